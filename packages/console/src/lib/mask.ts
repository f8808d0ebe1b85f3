/** A region of an image, in the image's own pixels. White is regenerated, black is kept. */
export type Shape =
  | { kind: "box"; x: number; y: number; width: number; height: number }
  | { kind: "stroke"; radius: number; points: { x: number; y: number }[] };

export interface Size {
  width: number;
  height: number;
}

/** Returns the box between two corners, clipped to the image; undefined if the clipped box is empty. */
export function boxOf(from: { x: number; y: number }, to: { x: number; y: number }, { width, height }: Size) {
  const clamp = (value: number, max: number) => Math.min(Math.max(Math.round(value), 0), max);
  const [left, right] = [from.x, to.x].sort((a, b) => a - b).map((x) => clamp(x, width)) as [number, number];
  const [top, bottom] = [from.y, to.y].sort((a, b) => a - b).map((y) => clamp(y, height)) as [number, number];
  if (right - left < 1 || bottom - top < 1) return undefined;
  return { kind: "box", x: left, y: top, width: right - left, height: bottom - top } as const;
}

/** Returns the mask in the format that vendors accept: a PNG data URI of the size of the image. */
export function maskOf(canvas: HTMLCanvasElement, shapes: readonly Shape[], { width, height }: Size): string {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  draw(context, shapes, "#fff");
  return canvas.toDataURL("image/png");
}

export function draw(context: CanvasRenderingContext2D, shapes: readonly Shape[], color: string): void {
  context.fillStyle = color;
  context.strokeStyle = color;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const shape of shapes) {
    if (shape.kind === "box") {
      context.fillRect(shape.x, shape.y, shape.width, shape.height);
      continue;
    }
    const [first, ...rest] = shape.points;
    if (!first) continue;
    context.lineWidth = shape.radius * 2;
    context.beginPath();
    context.moveTo(first.x, first.y);
    // A single point is drawn as a line to itself. The round line ends make a dot.
    for (const { x, y } of rest.length > 0 ? rest : [first]) context.lineTo(x, y);
    context.stroke();
  }
}

/** Many rectangles as few elements of an SVG: one path for each color. Pure. */
export interface ToneRect {
  /** Class of the color. */
  tone: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Returns the tones in the order of their first rectangle, each with the `d` of its path. */
export function pathsByTone(rects: readonly ToneRect[]): [tone: string, d: string][] {
  const paths = new Map<string, string>();
  for (const { tone, x, y, width, height } of rects)
    paths.set(tone, `${paths.get(tone) ?? ""}M${x} ${y}h${width}v${height}h${-width}z`);
  return [...paths];
}

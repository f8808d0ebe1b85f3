/** Editor for a region of an image: with a brush, as a box, or by numbers for users without a pointer. */
import { type PointerEvent, useEffect, useRef, useState } from "react";
import { boxOf, draw, maskOf, type Shape, type Size } from "../lib/mask.ts";
import { t } from "../text/create-text.ts";

type Tool = "box" | "brush";
type Point = { x: number; y: number };

export function MaskEditor(props: { image: string | undefined; onMask: (png: string | undefined) => void }) {
  const { image, onMask } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<Size>({ width: 1024, height: 1024 });
  const [tool, setTool] = useState<Tool>("box");
  const [shapes, setShapes] = useState<Shape[]>([]);
  const [drawing, setDrawing] = useState<{ from: Point; shape: Shape | undefined }>();

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, size.width, size.height);
    draw(context, drawing?.shape ? [...shapes, drawing.shape] : shapes, "#ff2d8a");
  }, [shapes, drawing, size]);

  function set(next: Shape[]) {
    setShapes(next);
    onMask(next.length === 0 ? undefined : maskOf(document.createElement("canvas"), next, size));
  }

  function pointOf({ clientX, clientY, currentTarget }: PointerEvent): Point {
    const { left, top, width, height } = currentTarget.getBoundingClientRect();
    return { x: ((clientX - left) / width) * size.width, y: ((clientY - top) / height) * size.height };
  }
  function startDrawing(event: PointerEvent<HTMLCanvasElement>) {
    event.currentTarget.setPointerCapture(event.pointerId);
    const from = pointOf(event);
    const radius = Math.max(size.width, size.height) / 24;
    setDrawing({ from, shape: tool === "brush" ? { kind: "stroke", radius, points: [from] } : undefined });
  }
  function move(event: PointerEvent<HTMLCanvasElement>) {
    if (!drawing) return;
    const to = pointOf(event);
    const { from, shape } = drawing;
    if (shape?.kind === "stroke") setDrawing({ from, shape: { ...shape, points: [...shape.points, to] } });
    else setDrawing({ from, shape: boxOf(from, to, size) });
  }
  function end() {
    if (drawing?.shape) set([...shapes, drawing.shape]);
    setDrawing(undefined);
  }

  return (
    <div className="mask">
      <div className="mask-plane">
        {image && (
          <img
            src={image}
            alt={t.mask.alt}
            referrerPolicy="no-referrer"
            onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) => {
              if (width > 0 && height > 0) setSize({ width, height });
            }}
          />
        )}
        <canvas
          ref={canvas}
          width={size.width}
          height={size.height}
          aria-label={t.mask.canvas}
          onPointerDown={startDrawing}
          onPointerMove={move}
          onPointerUp={end}
          onPointerCancel={() => setDrawing(undefined)}
        />
      </div>
      <div className="mask-tools">
        <fieldset className="segments">
          <legend className="unseen">{t.mask.tool}</legend>
          {(["box", "brush"] as const).map((name) => (
            <label key={name}>
              <input type="radio" name="tool" checked={tool === name} onChange={() => setTool(name)} />
              {t.mask[name]}
            </label>
          ))}
        </fieldset>
        <button type="button" disabled={shapes.length === 0} onClick={() => set(shapes.slice(0, -1))}>
          {t.common.undo}
        </button>
        <button type="button" disabled={shapes.length === 0} onClick={() => set([])}>
          {t.mask.clear}
        </button>
        <span className="faint small" aria-live="polite">
          {shapes.length === 0 ? t.mask.none : t.mask.drawn(shapes.length)}
        </span>
      </div>
      <Numbers
        onBox={(from, to) => {
          const box = boxOf(scaled(from, size), scaled(to, size), size);
          if (box) set([...shapes, box]);
        }}
      />
    </div>
  );
}

/** Adds a box by its edges in percent of the image. */
function Numbers({ onBox }: { onBox: (from: Point, to: Point) => void }) {
  const [values, setValues] = useState({ left: 25, top: 25, right: 75, bottom: 75 });
  return (
    <details className="small">
      <summary>{t.mask.byNumbers}</summary>
      <div className="numbers">
        {(["left", "top", "right", "bottom"] as const).map((side) => (
          <label key={side}>
            {t.mask[side]}
            <input
              type="number"
              min={0}
              max={100}
              value={values[side]}
              onChange={(event) => setValues({ ...values, [side]: event.target.valueAsNumber || 0 })}
            />
          </label>
        ))}
        <button
          type="button"
          onClick={() => onBox({ x: values.left, y: values.top }, { x: values.right, y: values.bottom })}
        >
          {t.mask.addBox}
        </button>
      </div>
    </details>
  );
}

function scaled({ x, y }: Point, { width, height }: Size): Point {
  return { x: (x / 100) * width, y: (y / 100) * height };
}

/** A line chart over sizes that grow tenfold; each line has its label at its end. */
import { figure, LINES, page, short, text, WIDTH } from "./svg.ts";

export interface Line {
  label: string;
  /** One value for each size. */
  values: readonly number[];
}

export interface LineChart {
  title: string;
  unit: string;
  sizes: readonly number[];
  lines: readonly Line[];
}

const HEIGHT = 340;
const LEFT = 64;
const RIGHT = 170;
const TOP = 52;
const BOTTOM = 48;
const TICKS = 4;
/** Smallest vertical distance between two labels, px. */
const LABEL_HEIGHT = 18;

export function lineChart(about: string, { title, unit, sizes, lines }: LineChart): string {
  if (lines.length > LINES) throw new Error(`There are colours for ${LINES} lines only`);
  const step = tickOf(Math.max(...lines.flatMap(({ values }) => values)));
  const top = step * TICKS;
  const x = (i: number) => LEFT + (i / Math.max(1, sizes.length - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const content = [text(20, 30, title, { kind: "title" })];
  for (let i = 0; i <= TICKS; i++) {
    const at = y(i * step);
    content.push(
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${short(at)}" y2="${short(at)}"/>`,
      text(LEFT - 8, at + 4, `${figure(i * step)}${i === TICKS ? ` ${unit}` : ""}`, { kind: "faint", anchor: "end" }),
    );
  }
  for (const [i, size] of sizes.entries())
    content.push(text(x(i), HEIGHT - BOTTOM + 22, size.toLocaleString("en"), { kind: "faint", anchor: "middle" }));
  content.push(text(LEFT, HEIGHT - 8, "flows in the table", { kind: "faint" }));
  const labels = spread(lines.map(({ values }) => y(values.at(-1)!) + 4));
  for (const [i, { label, values }] of lines.entries()) {
    const points = values.map((value, k) => `${short(x(k))},${short(y(value))}`);
    content.push(`<polyline class="line l${i}" points="${points.join(" ")}"/>`);
    for (const point of points) {
      const [cx, cy] = point.split(",");
      content.push(`<circle class="d${i}" cx="${cx}" cy="${cy}" r="3.5"/>`);
    }
    content.push(text(WIDTH - RIGHT + 12, labels[i]!, `${label}  ${figure(values.at(-1)!)} ${unit}`));
  }
  return page(HEIGHT, about, content);
}

/** A quarter of the scale, as a round number: 1, 2 or 5 times a power of ten. */
function tickOf(highest: number): number {
  const rough = Math.max(highest, Number.MIN_VALUE) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((digit) => digit * power).find((tick) => tick >= rough)!;
}

/** Moves overlapping labels upwards, starting with the lowest. */
function spread(positions: readonly number[]): number[] {
  const order = positions.map((y, i) => ({ y, i })).sort((a, b) => b.y - a.y);
  const moved = [...positions];
  let previous = Number.POSITIVE_INFINITY;
  for (const { y, i } of order) {
    previous = Math.min(y, previous - LABEL_HEIGHT);
    moved[i] = previous;
  }
  return moved;
}

/** Lines over sizes that grow tenfold, each named at its end. */
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
/** Names closer than this would be written over each other. */
const LETTER = 18;

export function lineChart(about: string, { title, unit, sizes, lines }: LineChart): string {
  if (lines.length > LINES) throw new Error(`there are colours for ${LINES} lines`);
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
  const names = spread(lines.map(({ values }) => y(values.at(-1)!) + 4));
  for (const [i, { label, values }] of lines.entries()) {
    const points = values.map((value, k) => `${short(x(k))},${short(y(value))}`);
    content.push(`<polyline class="line l${i}" points="${points.join(" ")}"/>`);
    for (const point of points) {
      const [cx, cy] = point.split(",");
      content.push(`<circle class="d${i}" cx="${cx}" cy="${cy}" r="3.5"/>`);
    }
    content.push(text(WIDTH - RIGHT + 12, names[i]!, `${label}  ${figure(values.at(-1)!)} ${unit}`));
  }
  return page(HEIGHT, about, content);
}

/** A quarter of the scale: 1, 2 or 5 and noughts. */
function tickOf(most: number): number {
  const rough = Math.max(most, Number.MIN_VALUE) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((digit) => digit * power).find((tick) => tick >= rough)!;
}

/** Pushed apart upwards, from the lowest on. */
function spread(places: readonly number[]): number[] {
  const order = places.map((place, i) => ({ place, i })).sort((a, b) => b.place - a.place);
  const apart = [...places];
  let above = Number.POSITIVE_INFINITY;
  for (const { place, i } of order) {
    above = Math.min(place, above - LETTER);
    apart[i] = above;
  }
  return apart;
}

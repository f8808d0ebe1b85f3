/** A chart of panels with horizontal bars. Each panel has its own scale from 0. */
import { figure, page, short, type Tone, text, WIDTH } from "./svg.ts";

export interface Bar {
  label: string;
  value: number;
  tone: Tone;
  /** Text after the number; unset: none. */
  note?: string;
}

export interface Panel {
  title: string;
  unit: string;
  bars: readonly Bar[];
}

const PAD = 20;
const LABEL = 230;
const NUMBER = 170;
const ROW = 26;
const BAR = 16;
const TITLE = 34;
const GAP = 16;
const BAR_WIDTH = WIDTH - 2 * PAD - LABEL - NUMBER;

export function barChart(about: string, panels: readonly Panel[]): string {
  const content: string[] = [];
  let y = PAD;
  for (const { title, unit, bars } of panels) {
    content.push(text(PAD, y + 14, title, { kind: "title" }));
    y += TITLE;
    const highest = Math.max(...bars.map(({ value }) => value));
    for (const { label, value, tone, note } of bars) {
      const width = Math.max(1, (value / highest) * BAR_WIDTH);
      const x = PAD + LABEL;
      content.push(
        text(x - 10, y + 13, label, { anchor: "end" }),
        `<rect class="${tone}" x="${x}" y="${y}" width="${short(width)}" height="${BAR}" rx="2"/>`,
        text(x + width + 8, y + 13, `${figure(value)} ${unit}${note ? ` ${note}` : ""}`, { kind: "faint" }),
      );
      y += ROW;
    }
    y += GAP;
  }
  return page(y - GAP + PAD / 2, about, content);
}

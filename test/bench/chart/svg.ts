/** SVG files for Markdown documents, with colours for light and dark mode, a background and text of normal size. */

export const WIDTH = 760;
/** Colour of a bar: mjflow, another system, another system with weaker durability, the lower bound. */
export const TONES = ["ours", "other", "less", "floor"] as const;
export type Tone = (typeof TONES)[number];
/** Number of line colours. */
export const LINES = 5;

const STYLE = `
  .background { fill: #ffffff; stroke: #d1d9e0; }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .faint { fill: #59636e; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .ours { fill: #0969da; } .other { fill: #818b98; } .less { fill: #c3cad2; } .floor { fill: #dfe4e9; }
  .line { fill: none; stroke-width: 2.5; }
  .l0 { stroke: #0969da; } .l1 { stroke: #bc4c00; } .l2 { stroke: #1a7f37; } .l3 { stroke: #8250df; } .l4 { stroke: #bf3989; }
  .d0 { fill: #0969da; } .d1 { fill: #bc4c00; } .d2 { fill: #1a7f37; } .d3 { fill: #8250df; } .d4 { fill: #bf3989; }
  @media (prefers-color-scheme: dark) {
    .background { fill: #0d1117; stroke: #3d444d; }
    text { fill: #f0f6fc; }
    .faint { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .ours { fill: #4493f8; } .other { fill: #8b949e; } .less { fill: #59616b; } .floor { fill: #343b44; }
    .l0 { stroke: #4493f8; } .l1 { stroke: #f0883e; } .l2 { stroke: #3fb950; } .l3 { stroke: #ab7df8; } .l4 { stroke: #db61a2; }
    .d0 { fill: #4493f8; } .d1 { fill: #f0883e; } .d2 { fill: #3fb950; } .d3 { fill: #ab7df8; } .d4 { fill: #db61a2; }
  }`;

/** @param about alternative text for readers who cannot see the image */
export function page(height: number, about: string, content: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(about)}">`,
    `<title>${escaped(about)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="background" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>`,
    ...content,
    "</svg>\n",
  ].join("\n");
}

export function text(
  x: number,
  y: number,
  words: string,
  { kind = "", anchor = "start" }: { kind?: string; anchor?: "start" | "middle" | "end" } = {},
): string {
  const how = `${kind && ` class="${kind}"`}${anchor === "start" ? "" : ` text-anchor="${anchor}"`}`;
  return `<text x="${short(x)}" y="${short(y)}"${how}>${escaped(words)}</text>`;
}

/** Rounds to a tenth of a pixel, so that invisible differences do not change the file. */
export function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Formats a value with three significant digits: 12,300, 45.6, 0.0447. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** Formats rows as an aligned table, or as stacked fields if the width is too small. Pure. */
import type { Painter } from "../paint.ts";
import { fit, pad, stripControlCharacters, widthOf } from "../text.ts";

export interface Column<T> {
  name: string;
  of(row: T): string;
  /** The cell may be cut, because users do not copy its text. */
  cut?: true;
}

const GAP = "  ";
const SHORTEST_CUT = 8;

export function table<T>(columns: readonly Column<T>[], rows: readonly T[], paint: Painter, width: number): string[] {
  const cells = rows.map((row) => columns.map(({ of }) => stripControlCharacters(of(row))));
  const natural = columns.map(({ name }, c) => Math.max(widthOf(name), ...cells.map((line) => widthOf(line[c]!))));
  const widths = shrunk(columns, natural, width - GAP.length * (columns.length - 1));
  if (!widths) return stacked(columns, cells, paint, width);
  const line = (texts: readonly string[]) =>
    texts
      .map((text, c) => (c === texts.length - 1 ? fit(text, widths[c]!) : pad(fit(text, widths[c]!), widths[c]!)))
      .join(GAP)
      .trimEnd();
  return [paint("dim", line(columns.map(({ name }) => name))), ...cells.map(line)];
}

/**
 * Returns column widths that fit into `room`. The widest columns that may be cut are narrowed first. Returns undefined
 * if no widths fit.
 */
function shrunk<T>(columns: readonly Column<T>[], natural: readonly number[], room: number): number[] | undefined {
  const widths = [...natural];
  let over = widths.reduce((sum, width) => sum + width, 0) - room;
  while (over > 0) {
    const widest = columns
      .map(({ cut }, c) => (cut && widths[c]! > SHORTEST_CUT ? c : -1))
      .filter((c) => c >= 0)
      .sort((a, b) => widths[b]! - widths[a]!)[0];
    if (widest === undefined) return undefined;
    widths[widest]! -= 1;
    over -= 1;
  }
  return widths;
}

function stacked<T>(
  columns: readonly Column<T>[],
  cells: readonly string[][],
  paint: Painter,
  width: number,
): string[] {
  const names = Math.max(...columns.map(({ name }) => widthOf(name)));
  return cells.flatMap(([first = "", ...rest]) => [
    paint("bold", first),
    ...rest.map((text, c) => {
      const { name, cut } = columns[c + 1]!;
      return `  ${paint("dim", pad(name, names))}  ${cut ? fit(text, width - names - 4) : text}`.trimEnd();
    }),
  ]);
}

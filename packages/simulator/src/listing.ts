/** Lists that name no ids: which of a vendor's tasks they show, newest first (docs/protocol.md 1.14). Pure. */
import type { Dialect } from "./dialect.ts";
import { type Fields, field, text } from "./json.ts";
import type { Task } from "./task.ts";

/** Two of one millisecond stand as their ids do, as in the servers' databases. */
export function newestOf(tasks: readonly Task[], { listed }: Pick<Dialect, "listed">): Task[] {
  const byAge = tasks.toSorted((a, b) => b.submitTime - a.submitTime || (a.id < b.id ? 1 : -1));
  return byAge.slice(0, listed);
}

export interface Page {
  tasks: Task[];
  /** What plus writes beside `content`. */
  numbers: Fields;
}

const LARGEST_PAGE = 1_000;

/** plus: `pageNumber` from 0, `pageSize` (10), and of its filters the caller's `state`. Always `id,desc`. */
export function pageOf(newest: readonly Task[], query: Fields): Page {
  const state = text(query, "state");
  const all = state === undefined ? newest : newest.filter((task) => task.state === state);
  const number = whole(query, "pageNumber", 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const size = whole(query, "pageSize", 1, LARGEST_PAGE) ?? 10;
  const tasks = all.slice(number * size, (number + 1) * size);
  const totalPages = Math.ceil(all.length / size);
  const ends = { first: number === 0, last: number + 1 >= totalPages, empty: tasks.length === 0 };
  return {
    tasks,
    numbers: { number, size, numberOfElements: tasks.length, totalElements: all.length, totalPages, ...ends },
  };
}

function whole(fields: Fields, name: string, min: number, max: number): number | undefined {
  const value = field(fields, name);
  return typeof value === "number" && Number.isInteger(value) ? Math.min(max, Math.max(min, value)) : undefined;
}

/** Task lists without ids, newest first (docs/protocol.md 1.14). Pure. */
import type { Dialect } from "./dialect.ts";
import { type Fields, field, text } from "./json.ts";
import type { Task } from "./task.ts";

/** Returns the newest tasks. Tasks of the same millisecond are ordered by id, as in the databases of the servers. */
export function newestOf(tasks: readonly Task[], { listed }: Pick<Dialect, "listed">): Task[] {
  const byAge = tasks.toSorted((a, b) => b.submitTime - a.submitTime || (a.id < b.id ? 1 : -1));
  return byAge.slice(0, listed);
}

/**
 * Returns finished tasks of other clients of the account, newer than `task`. They are copies of it, so that they have all
 * fields of the vendor, with ids and states of their own.
 */
export function tasksOfOthers(task: Task, count: number, now: number): Task[] {
  return Array.from({ length: count }, (_, i) => {
    const submitTime = now - Math.trunc(i / 100);
    const id = `9${String(i).padStart(15, "0")}`;
    // Their requests name other callback URLs.
    const request = task.request && { request: {} };
    return {
      ...task,
      ...request,
      id,
      state: "other",
      status: "SUCCESS",
      notifyHook: null,
      submitTime,
      plan: [],
      history: [],
    };
  });
}

export interface Page {
  tasks: Task[];
  /** Page fields of plus in addition to `content`. */
  numbers: Fields;
}

const LARGEST_PAGE = 1_000;

/** Returns a page like plus: `pageNumber` from 0, `pageSize` (10) and the filter `state`. The order is always `id,desc`. */
export function pageOf(newest: readonly Task[], query: Fields): Page {
  const state = text(query, "state");
  const all = state === undefined ? newest : newest.filter((task) => task.state === state);
  const number = integerIn(query, "pageNumber", 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const size = integerIn(query, "pageSize", 1, LARGEST_PAGE) ?? 10;
  const tasks = all.slice(number * size, (number + 1) * size);
  const totalPages = Math.ceil(all.length / size);
  const ends = { first: number === 0, last: number + 1 >= totalPages, empty: tasks.length === 0 };
  return {
    tasks,
    numbers: { number, size, numberOfElements: tasks.length, totalElements: all.length, totalPages, ...ends },
  };
}

function integerIn(fields: Fields, name: string, min: number, max: number): number | undefined {
  const value = field(fields, name);
  return typeof value === "number" && Number.isInteger(value) ? Math.min(max, Math.max(min, value)) : undefined;
}

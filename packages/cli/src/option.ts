/** Options that several commands share, and functions that parse their values. */
import type { EventType } from "@mjflow/client";
import { EVENT_TYPES } from "@mjflow/core/event";
import type { Option } from "./command.ts";
import type { Context } from "./context.ts";
import { durationMs, moment } from "./time.ts";
import { UsageError } from "./usage-error.ts";

export const WAIT_OPTIONS = {
  wait: { type: "boolean", negated: true, help: "return after the start; `mjflow watch` follows the flow" },
  timeout: { type: "string", value: "TIME", help: "stop following after 30s, 10m, 2h (exit 4); the flow continues" },
} as const satisfies Record<string, Option>;

export const PAGING_OPTIONS = {
  limit: { type: "string", value: "N", help: "maximum number of entries, newest first (20)" },
  all: { type: "boolean", help: "all entries" },
} as const satisfies Record<string, Option>;

export const TIME_RANGE_OPTIONS = {
  since: { type: "string", value: "TIME", help: "start of the time range: a date, or a duration before now (2h)" },
  until: { type: "string", value: "TIME", help: "end of the time range" },
} as const satisfies Record<string, Option>;

export function parseTimeout(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationMs(text, "--timeout");
}

export function parseTimeRange(context: Context, values: { since: string | undefined; until: string | undefined }) {
  const now = context.platform.now();
  const { since, until } = values;
  return {
    ...(since !== undefined && { since: moment(since, "--since", now) }),
    ...(until !== undefined && { until: moment(until, "--until", now) }),
  };
}

/** @throws UsageError if the value is not allowed */
export function parseChoice<const T extends string>(
  option: string,
  value: string | undefined,
  allowed: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  if (!(allowed as readonly string[]).includes(value)) {
    throw new UsageError(`${option} must be one of ${allowed.join(", ")}.`);
  }
  return value as T;
}

/** Parses event types: `flow.completed,task.failed`, or one option per type. */
export function parseEvents(values: readonly string[]): EventType[] | undefined {
  const names = values.flatMap((value) => value.split(",")).map((name) => name.trim());
  for (const name of names) parseChoice("--events", name, EVENT_TYPES);
  return names.length > 0 ? (names as EventType[]) : undefined;
}

export function parseCount(option: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`${option} must be a whole number, 1 or more.`);
  return Number(text);
}

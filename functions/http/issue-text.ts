/**
 * Texts for the issues of request schemas: what is expected, what was received, and which name was probably meant. Zod's
 * own texts are a locale, which we do not load: it would slow down every cold start.
 */
import { nearest } from "@mjflow/core/nearest";
import type * as z from "zod/mini";
import { LINE_BREAK } from "./problem.ts";

type Issue = z.core.$ZodRawIssue;

/** Returns the text of an issue whose schema has no text of its own. */
export function issueText(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeText(issue.expected, issue.input);
    case "too_small":
    case "too_big":
      return sizeText(issue);
    case "invalid_value":
      return choiceText(issue.values, issue.input);
    case "invalid_format":
      return formatText(issue.format, issue.input);
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownText(key, fieldsOf(issue))).join(LINE_BREAK);
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_union":
      return unionText(issue.errors, issue.input);
    case "invalid_key":
      return "has a key that is not allowed";
    case "invalid_element":
      return "has an item that is not allowed";
    default:
      return "is not allowed";
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
};

function typeText(expected: string, input: unknown): string {
  if (input === undefined) return "is required";
  const wanted = `must be ${TYPES[expected] ?? expected}`;
  // A query parameter that is no number arrives here as NaN, and its text is gone.
  return Number.isNaN(input) ? wanted : `${wanted}; received ${typeOf(input)}`;
}

function typeOf(input: unknown): string {
  if (input === null) return "null";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "number") return String(input);
  if (typeof input === "boolean") return String(input);
  return TYPES[typeof input] ?? typeof input;
}

type SizeIssue = Extract<Issue, { code: "too_small" | "too_big" }>;

function sizeText(issue: SizeIssue): string {
  const { origin, input, inclusive } = issue;
  const isMinimum = issue.code === "too_small";
  const limit = isMinimum ? issue.minimum : issue.maximum;
  const size = typeof input === "string" || Array.isArray(input) ? input.length : undefined;
  if (isMinimum && size === 0 && Number(limit) === 1) return "must not be empty";
  const bound = inclusive === false ? (isMinimum ? "more than" : "less than") : isMinimum ? "at least" : "at most";
  const unit = { string: " characters", array: " items", set: " items" }[origin as string];
  if (size !== undefined && unit) return `must have ${bound} ${limit}${unit}; it has ${size}`;
  return `must be ${bound} ${limit}; received ${String(input)}`;
}

function choiceText(values: readonly unknown[], input: unknown): string {
  if (input === undefined) return "is required";
  const texts = values.map((value) => JSON.stringify(value));
  const list = texts.length > 1 ? `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}` : texts.join();
  const text = `must be ${list}; received ${shown(input)}`;
  const names = values.filter((value) => typeof value === "string");
  const meant = typeof input === "string" ? nearest(input, names) : undefined;
  return meant === undefined ? text : `${text}. Did you mean ${JSON.stringify(meant)}?`;
}

function formatText(format: string, input: unknown): string {
  if (format !== "datetime") return `has not the form of ${format}`;
  const text = `must be a time with date and offset, for example 2026-11-21T10:00:00Z; received ${shown(input)}`;
  // In a query string "+" means a space.
  const isPlusLost = typeof input === "string" && /T[\d:.]+ \d\d:\d\d$/.test(input);
  return isPlusLost ? `${text}. Write the + of the offset as %2B.` : text;
}

function unknownText(key: string, fields: readonly string[]): string {
  const meant = nearest(key, fields);
  if (meant !== undefined) return `is not a known field. Did you mean \`${meant}\`?`;
  return fields.length > 0 ? `is not a known field. Known fields: ${fields.join(", ")}` : "is not a known field";
}

function fieldsOf({ inst }: Issue): readonly string[] {
  const def = inst?._zod.def;
  return def !== undefined && "shape" in def ? Object.keys(def.shape as object) : [];
}

/** The texts of the alternative whose type fits; otherwise the types of all alternatives. */
function unionText(alternatives: readonly (readonly z.core.$ZodIssue[])[], input: unknown): string {
  const isOfOtherType = (issues: readonly z.core.$ZodIssue[]) =>
    issues.some(({ code, path }) => code === "invalid_type" && path.length === 0);
  const fitting = alternatives.find((issues) => !isOfOtherType(issues))?.[0];
  if (fitting) {
    const { path, message } = fitting;
    return path.length > 0 && typeof path[0] === "number" ? `item ${path[0] + 1} ${message}` : message;
  }
  const types = alternatives.flatMap((issues) =>
    issues.flatMap((issue) => ("expected" in issue ? [issue.expected] : [])),
  );
  const names = [...new Set(types.map((type) => TYPES[type] ?? type))];
  if (input === undefined) return "is required";
  return `must be ${names.join(" or ")}; received ${typeOf(input)}`;
}

/** A value in an error message: shortened, and in quotes if it is text. */
function shown(input: unknown): string {
  if (typeof input !== "string") return typeOf(input);
  const text = input.toWellFormed();
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/** The pages of error codes, from core/error: the `type` of a problem links to them. */
import { readFileSync } from "node:fs";
import { ERRORS, type ErrorCode, FAILURES } from "@mjflow/core/error";
import { ERROR_NOTES } from "./error-notes.ts";
import { cell, code, json, prose, table } from "./markdown.ts";

const EXAMPLES = JSON.parse(readFileSync(new URL("../examples/errors.json", import.meta.url), "utf8")) as Record<
  string,
  { request: string; body: object }
>;

const CODES = Object.keys(ERRORS) as ErrorCode[];

function whenToRetry(errorCode: ErrorCode): string {
  const { retry } = ERRORS[errorCode];
  if (retry === "never") return "No. The same request fails again.";
  if (retry === "later") return "Yes, later.";
  return `Yes, after \`Retry-After\`: at least ${retry.afterMs / 1_000} s.`;
}

function errorPage(errorCode: ErrorCode): string {
  const { status, title, advice } = ERRORS[errorCode];
  const { cause, remedy, see = {} } = ERROR_NOTES[errorCode];
  const example = EXAMPLES[errorCode];
  const links = Object.entries(see).map(([path, name]) => `- [${name}](${path})`);
  return [
    `# ${code(errorCode)}`,
    `**${status}** · ${prose(title)}. ${prose(advice)}`,
    "## When it comes",
    prose(cause),
    "## What to do",
    prose(remedy),
    "## Can the same request succeed later?",
    whenToRetry(errorCode),
    ...(example === undefined
      ? []
      : ["## Example", `A response to ${code(example.request.replace(/:(\w+)/g, "{$1}"))}:`, json(example.body)]),
    ...(links.length === 0 ? [] : ["## See also", links.join("\n")]),
  ].join("\n\n");
}

function errorIndex(): string {
  const rows = CODES.map((errorCode) => {
    const { status, title, retry } = ERRORS[errorCode];
    return [
      `[${code(errorCode)}](/errors/${errorCode})`,
      String(status),
      cell(title),
      retry === "never" ? "never" : "later",
    ];
  });
  return [
    "# Errors",
    "An error is `application/problem+json` (RFC 9457). Programs branch on `code` and `retry`, and never on the text. `type` is the URL of the page about the code. `advice` says what to do. `requestId` finds the request in the log of the operator.",
    "The TypeScript client throws a `MjflowError` with these fields. It repeats requests that are safe to repeat. See [Errors of the client](/client#errors).",
    table(["code", "status", "meaning", "retry"], rows),
    "A task that failed has a [failure code](/failures) instead: the request that created it was valid.",
  ].join("\n\n");
}

function failurePage(): string {
  return [
    "# Failure codes",
    "`failure.code` of a task says why it ended without a result. `failure.message` is for people and may be the text of the vendor. `POST /v1/tasks/{id}/retry` retries a failed task as new, charged work.",
    table(
      ["code", "meaning"],
      Object.entries(FAILURES).map(([failureCode, text]) => [code(failureCode), cell(text)]),
    ),
    "Errors of requests have [error codes](/errors/).",
  ].join("\n\n");
}

/** Path in the site → Markdown. */
export function errorPages(): Map<string, string> {
  return new Map([
    ["errors/index", errorIndex()],
    ...CODES.map((errorCode) => [`errors/${errorCode}`, errorPage(errorCode)] as const),
    ["failures", failurePage()],
  ]);
}

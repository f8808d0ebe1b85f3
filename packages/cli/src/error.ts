/** What went wrong, for people and for machines. */
import { isMjflowError, type MjflowError } from "@mjflow/client";
import type { Connection } from "./connection.ts";
import type { Painter } from "./paint.ts";
import { stripControlCharacters } from "./text.ts";
import { UsageError } from "./usage-error.ts";

/** What was started before it went wrong, for who wants to go on with it. */
export class FlowStillRunningError extends Error {
  readonly flowId: string;
  override readonly cause: MjflowError;

  constructor(flowId: string, cause: MjflowError) {
    super(cause.message);
    this.flowId = flowId;
    this.cause = cause;
  }
}

export function errorView(error: unknown): Record<string, unknown> {
  if (error instanceof FlowStillRunningError) return { ...errorView(error.cause), flowId: error.flowId };
  if (error instanceof UsageError) return { code: "usage", detail: error.message };
  if (!isMjflowError(error)) return { code: "bug", detail: String(error) };
  const { code, detail, status, field, advice, retry, requestId, more } = error;
  return { code, detail, status, field, advice, retry, requestId, ...more };
}

export function errorLines(error: unknown, paint: Painter, connection: Connection | undefined): string[] {
  if (error instanceof FlowStillRunningError) return stillRunningLines(error, paint);
  if (error instanceof UsageError) {
    const help = error.command === undefined ? "mjflow help" : `mjflow help ${error.command}`;
    return [`${paint("red", "✗")} ${error.message}`, paint("dim", `  ${help}`)];
  }
  if (!isMjflowError(error))
    return [error instanceof Error ? (error.stack ?? String(error)) : String(error)].flatMap(lines);
  if (error.code === "aborted")
    return ["Stopped before an answer came; what was sent may have been done all the same."];
  const advice = keyAdvice(error, connection) ?? error.advice;
  const offered = error.more["offered"];
  return [
    `${paint("red", "✗")} ${stripControlCharacters(error.detail)} ${paint("dim", `(${error.code})`)}`,
    ...(Array.isArray(offered)
      ? [`  It offers ${offered.map((label) => stripControlCharacters(String(label))).join(", ")}.`]
      : []),
    ...(advice ? [`  ${stripControlCharacters(advice)}`] : []),
    ...(error.requestId && error.code === "internal"
      ? [paint("dim", `  request ${stripControlCharacters(error.requestId)}`)]
      : []),
  ];
}

/** Told of what happened to the watching; the flow itself is not touched by it. */
function stillRunningLines({ flowId, cause }: FlowStillRunningError, paint: Painter): string[] {
  const id = stripControlCharacters(flowId);
  const why = cause.code === "aborted" ? "Stopped watching" : stripControlCharacters(cause.detail);
  return [
    `${why.replace(/\.$/, "")}. ${paint("bold", "The flow goes on")}: ${id}`,
    paint("dim", `  mjflow watch ${id}    to see its end`),
    paint("dim", `  mjflow cancel ${id}   to start nothing more of it`),
  ];
}

function keyAdvice(error: MjflowError, connection: Connection | undefined): string | undefined {
  if (error.code === "unreachable" && connection?.urlFrom === "default") {
    return "Start the house on this machine with `mjflow dev`, or say where another is: MJFLOW_URL.";
  }
  if (error.code !== "unauthorized" || !connection) return undefined;
  const { keyFrom, url } = connection;
  if (keyFrom === undefined) return `No key was sent: set MJFLOW_API_KEY to one that ${new URL(url).host} knows.`;
  return `The key from ${keyFrom} was refused: it is not, or no longer, one of ${new URL(url).host}.`;
}

function lines(text: string): string[] {
  return text.split("\n");
}

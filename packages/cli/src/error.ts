/** Formats errors, as JSON and as lines for a person. */
import { isMjflowError, type MjflowError } from "@mjflow/client";
import type { Connection } from "./connection.ts";
import type { Painter } from "./paint.ts";
import { stripControlCharacters } from "./text.ts";
import { UsageError } from "./usage-error.ts";

/** Following a flow ended before the flow did. The flow id is kept, so that the user can follow or cancel the flow. */
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
  if (error.code === "aborted") return ["Stopped before the response came. The request may have been processed."];
  const advice = keyAdvice(error, connection) ?? error.advice;
  const offered = error.more["offered"];
  return [
    `${paint("red", "✗")} ${stripControlCharacters(error.detail)} ${paint("dim", `(${error.code})`)}`,
    ...(Array.isArray(offered)
      ? [`  Offered buttons: ${offered.map((label) => stripControlCharacters(String(label))).join(", ")}.`]
      : []),
    ...(advice ? [`  ${stripControlCharacters(advice)}`] : []),
    ...(error.requestId && error.code === "internal"
      ? [paint("dim", `  request ${stripControlCharacters(error.requestId)}`)]
      : []),
  ];
}

/** Says why following ended. The flow itself continues on the server. */
function stillRunningLines({ flowId, cause }: FlowStillRunningError, paint: Painter): string[] {
  const id = stripControlCharacters(flowId);
  const why = cause.code === "aborted" ? "Stopped following" : stripControlCharacters(cause.detail);
  return [
    `${why.replace(/\.$/, "")}. ${paint("bold", "The flow is still running")}: ${id}`,
    paint("dim", `  mjflow watch ${id} to follow it until it ends`),
    paint("dim", `  mjflow cancel ${id} to submit no new tasks`),
  ];
}

function keyAdvice(error: MjflowError, connection: Connection | undefined): string | undefined {
  if (error.code === "unreachable" && connection?.urlFrom === "default") {
    return "Start the local server with `mjflow dev`, or set MJFLOW_URL to the address of another server.";
  }
  if (error.code !== "unauthorized" || !connection) return undefined;
  const { keyFrom, url } = connection;
  if (keyFrom === undefined) return `No key was sent. Set MJFLOW_API_KEY to a key of ${new URL(url).host}.`;
  return `${new URL(url).host} rejected the key from ${keyFrom}. Set MJFLOW_API_KEY to an active key of this server.`;
}

function lines(text: string): string[] {
  return text.split("\n");
}

/** Exit codes of the process. Scripts branch on these codes, so the codes never change. */
import { MjflowError } from "@mjflow/client";
import { FlowStillRunningError } from "./error.ts";
import { UsageError } from "./usage-error.ts";

export const EXIT = {
  ok: 0,
  /** The flow failed, or the server rejected the request. */
  failed: 1,
  /** A usage error, or input that the server calls invalid. The same command cannot succeed. */
  usage: 2,
  /** The server cannot be reached or does not accept the key. */
  unreachable: 3,
  /** `--timeout` has passed; the flow continues on the server. */
  timeout: 4,
} as const;

/** The exit codes that shells use for a process that a signal ended. */
const SIGNALS: Record<string, number> = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 };

const INPUT_ERRORS = new Set([
  "invalid_argument",
  "invalid_request",
  "invalid_json",
  "too_large",
  "unsupported_media_type",
  "idempotency_mismatch",
]);
const AUTH_OR_NETWORK_ERRORS = new Set(["unreachable", "unexpected_answer", "unauthorized", "forbidden"]);

/** @param signal aborted with the name of the signal that ended the command as its reason */
export function exitOf(error: unknown, signal?: AbortSignal): number {
  if (error instanceof FlowStillRunningError) return exitOf(error.cause, signal);
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof MjflowError)) return EXIT.failed;
  if (error.code === "aborted") return exitOfSignal(signal?.reason);
  if (error.code === "timeout") return EXIT.timeout;
  if (INPUT_ERRORS.has(error.code)) return EXIT.usage;
  return AUTH_OR_NETWORK_ERRORS.has(error.code) ? EXIT.unreachable : EXIT.failed;
}

export function exitOfSignal(name: unknown): number {
  return SIGNALS[String(name)] ?? SIGNALS["SIGINT"]!;
}

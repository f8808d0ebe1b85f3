/** What the process ends with: scripts branch on these, so they never change. */
import { MjflowError } from "@mjflow/client";
import { FlowStillRunningError } from "./error.ts";
import { UsageError } from "./usage-error.ts";

export const EXIT = {
  ok: 0,
  /** The flow failed, or the server refused what was asked. */
  failed: 1,
  /** Mistyped, or an input the server calls invalid: the same command cannot succeed. */
  usage: 2,
  /** No mjflow there, or none that takes the key. */
  unreachable: 3,
  /** `--timeout` was up; what was started goes on. */
  timeout: 4,
} as const;

/** As shells count a process that a signal ended. */
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

/** @param signal whose reason names the signal that ended it */
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

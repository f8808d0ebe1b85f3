/**
 * Loads the Lambda functions into this process. This is the only file of the package that knows the functions. The
 * imports are literal, so that a bundler finds them.
 */
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import type { LocalBackend } from "./engine/backend.ts";
import { type Handler, invoke } from "./lambda.ts";
import { installStreamingRuntime } from "./stream.ts";

const LOAD = {
  api: () => import("../../../functions/api.ts"),
  callback: () => import("../../../functions/callback.ts"),
  submit: () => import("../../../functions/submit.ts"),
  deliver: () => import("../../../functions/deliver.ts"),
  archive: () => import("../../../functions/archive.ts"),
  deadletter: () => import("../../../functions/deadletter.ts"),
  sweep: () => import("../../../functions/sweep.ts"),
  reduce: () => import("../../../functions/reduce.ts"),
};

export type Functions = Record<keyof typeof LOAD, Handler> & {
  /** The short way of `callback`, see `functions/dropped-callback.ts`. */
  dropped: Pick<typeof import("../../../functions/dropped-callback.ts"), "drop" | "DROPPED">;
};

/** Must run after the environment is set, because the functions read it at their first use. */
export async function importFunctions(ports: LocalBackend["ports"]): Promise<Functions> {
  installStreamingRuntime();
  const { useLocalBackend } = await import("../../../functions/composition/base.ts");
  useLocalBackend(ports);
  const loaded = await Promise.all(
    Object.entries(LOAD).map(async ([name, load]) => [name, ((await load()) as { handler: unknown }).handler] as const),
  );
  const dropped = await import("../../../functions/dropped-callback.ts");
  const functions = { ...Object.fromEntries(loaded), dropped } as Functions;
  const { useLocalReduce } = await import("../../../functions/composition/call-reduce.ts");
  type Result = Awaited<ReturnType<typeof import("../../../functions/reduce.ts").handler>>;
  useLocalReduce(
    async (event) => (await invoke("reduce", functions.reduce, event, FUNCTION_TIMEOUT_S.reduce)) as Result,
  );
  return functions;
}

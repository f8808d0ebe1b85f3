/** Calls the function that scales images down, and waits for its result. */
import type { ReducedImage, UploadVersion } from "@mjflow/core/port";
import { MediaError } from "@mjflow/media/error";
import { Resource } from "sst/resource";
import type { ReduceEvent, ReduceResult } from "../reduce.ts";
import { lazyAsync } from "./base.ts";

type Invoke = (event: ReduceEvent) => Promise<ReduceResult>;

let localReduce: Invoke | undefined;

/** The local server has all functions in its process. */
export function useLocalReduce(invoke: Invoke): void {
  localReduce = invoke;
}

const invokeLambda = /* @__PURE__ */ lazyAsync(async (): Promise<Invoke> => {
  const { createInvoke } = await import("./lambda.ts");
  return createInvoke<ReduceEvent, ReduceResult>(Resource.Reduce.name);
});

/** @throws MediaError as `reduceToBucket`; `unavailable` if the function fails or is not available */
export async function callReduce({ key, etag }: UploadVersion): Promise<ReducedImage> {
  const invoke = localReduce ?? (await invokeLambda());
  const result = await invoke({ key, etag }).catch((cause: unknown): never => {
    throw new MediaError("unavailable", "scaling it down did not work", { cause });
  });
  if ("error" in result) throw new MediaError(result.error.code, result.error.detail);
  return result.reduced;
}

/** `submit/upload-discord-images`: forwards the images to the vendor. It creates no task. */

import { ANY_PROVIDER } from "@mjflow/core/account-selection";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import type { Provider } from "@mjflow/core/port";
import type { Context } from "hono";
import type { AppEnv } from "../env.ts";
import { MJ_CODE, type MjResponse, mjResponse } from "./response.ts";

/**
 * How long we wait for the vendor. It is less than the function timeout, so that the client gets a response in any
 * case.
 */
const UPLOAD_TIMEOUT_MS = (FUNCTION_TIMEOUT_S.api - 5) * 1_000;

type Uploaded = Awaited<ReturnType<Provider["upload"]>>;

export async function upload(c: Context<AppEnv>, images: readonly string[]): Promise<MjResponse> {
  const { providers, defaultProvider } = c.get("deps");
  await providers.refresh?.();
  const named = defaultProvider === ANY_PROVIDER ? undefined : defaultProvider;
  const configured = providers.get(named ?? providers.ids()[0] ?? "");
  const account = configured?.account(configured.accounts()[0]?.name ?? "");
  if (!configured || !account) return mjResponse(MJ_CODE.missing, "No vendor account is configured for this.");
  const timedOut: Uploaded = { kind: "unclear", reason: "the vendor took too long" };
  const timeout = Promise.withResolvers<Uploaded>();
  const timer = setTimeout(() => timeout.resolve(timedOut), UPLOAD_TIMEOUT_MS);
  const uploaded = await Promise.race([configured.provider.upload(images, account), timeout.promise]).finally(() =>
    clearTimeout(timer),
  );
  switch (uploaded.kind) {
    case "uploaded":
      return mjResponse(MJ_CODE.accepted, "Submit success", uploaded.urls);
    case "refused":
      return mjResponse(MJ_CODE.invalid, uploaded.failure.vendor?.description ?? uploaded.failure.message);
    case "busy":
      return mjResponse(MJ_CODE.full, "The vendor is busy.");
    case "unclear":
      return mjResponse(MJ_CODE.failed, "The vendor gave no clear answer.");
  }
}

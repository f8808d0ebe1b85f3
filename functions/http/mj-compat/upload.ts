/** `submit/upload-discord-images`: handed to the vendor as it is; no task of ours comes of it. */

import { ANY_PROVIDER } from "@mjflow/core/account-selection";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import type { Provider } from "@mjflow/core/port";
import type { Context } from "hono";
import type { AppEnv } from "../env.ts";
import { MJ_CODE, type MjResponse, mjResponse } from "./response.ts";

/** A vendor may take longer than this function may: then the client is told before Lambda hangs up on it. */
const PATIENCE_MS = (FUNCTION_TIMEOUT_S.api - 5) * 1_000;

type Uploaded = Awaited<ReturnType<Provider["upload"]>>;

export async function upload(c: Context<AppEnv>, images: readonly string[]): Promise<MjResponse> {
  const { providers, defaultProvider } = c.get("deps");
  await providers.refresh?.();
  const named = defaultProvider === ANY_PROVIDER ? undefined : defaultProvider;
  const known = providers.get(named ?? providers.ids()[0] ?? "");
  const account = known?.account(known.accounts()[0]?.name ?? "");
  if (!known || !account) return mjResponse(MJ_CODE.missing, "No vendor account is configured for this.");
  const late: Uploaded = { kind: "unclear", reason: "the vendor took too long" };
  const patience = Promise.withResolvers<Uploaded>();
  const timer = setTimeout(() => patience.resolve(late), PATIENCE_MS);
  const uploaded = await Promise.race([known.provider.upload(images, account), patience.promise]).finally(() =>
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

/** The signing secret of webhooks that the command line sends itself: `mjflow listen` and `mjflow trigger`. */
import { randomBytes } from "node:crypto";
import { newSecret, sign } from "@mjflow/webhooks/sign";
import type { Env } from "./platform.ts";
import { UsageError } from "./usage-error.ts";

/** Name of the variable. There is no option, because `ps` and the shell history would show the secret. */
export const SECRET_VARIABLE = "MJFLOW_WEBHOOK_SECRET";

export interface WebhookSecret {
  secret: string;
  /** True if it was created for this run and must be printed. */
  isNew: boolean;
}

/** @throws UsageError if the variable has no secret of scheme v1; the error does not contain the value */
export function webhookSecret(env: Env): WebhookSecret {
  const given = env[SECRET_VARIABLE]?.trim();
  if (!given) return { secret: newSecret(randomBytes(32)), isNew: true };
  try {
    if (!given.startsWith("whsec_")) throw new TypeError();
    sign({ id: "evt_1", timestampS: 0, body: "" }, [given]);
  } catch {
    throw new UsageError(`${SECRET_VARIABLE} must be whsec_ with 24 to 64 bytes in base64.`);
  }
  return { secret: given, isNew: false };
}

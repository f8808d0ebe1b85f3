/** Sends a test event to an endpoint. It is signed like every webhook, goes to this endpoint only and is not stored. */
import { isDelivered } from "@mjflow/core/delivery";
import { MjflowError } from "@mjflow/core/error";
import { flowIdOf } from "@mjflow/core/id";
import { type PostOutcome, SECRET_UNREADABLE, type WebhookStore } from "@mjflow/core/port";
import type { Vault } from "../app/vault.ts";
import type { EngineDeps } from "../deps.ts";
import type { WebhookSender } from "./deliver.ts";
import { getEndpoint, readableSecrets } from "./endpoint.ts";

interface TestEventDeps extends Pick<EngineDeps, "clock" | "random"> {
  webhookStore: WebhookStore;
  vault: Pick<Vault, "open">;
  webhooks: WebhookSender;
}

export interface TestEventResult {
  delivered: boolean;
  /** Epoch ms. */
  at: number;
  outcome: PostOutcome;
}

/** The type of test events. Events of flows never have this type. */
const TYPE = "endpoint.test";

/**
 * Sends the test event also to a disabled endpoint, because apps use it before they enable the endpoint again.
 * @throws MjflowError `not_found`
 */
export async function sendTestEvent(deps: TestEventDeps, appId: string, id: string): Promise<TestEventResult> {
  const endpoint = await getEndpoint(deps, appId, id);
  if (endpoint.url === undefined) throw new MjflowError("not_found");
  const at = deps.clock.now();
  const secrets = readableSecrets(deps.vault, endpoint, at);
  if (secrets.length === 0) return { delivered: false, at, outcome: { kind: "unsigned", why: SECRET_UNREADABLE } };
  const eventId = `evt_${flowIdOf(at, deps.random.bytes(10)).slice("flow_".length)}_test`;
  const body = JSON.stringify({ type: TYPE, timestamp: new Date(at).toISOString(), data: { endpointId: id } });
  const outcome = await deps.webhooks.send({ url: endpoint.url, id: eventId, body, secrets });
  return { delivered: isDelivered(outcome), at, outcome };
}

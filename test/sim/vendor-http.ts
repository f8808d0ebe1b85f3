/**
 * HTTP of the simulated vendor: the real adapter sends its requests here and reads the responses with its real readers. A wire
 * (`wire.ts`) has the routes and bodies of one protocol family.
 */
import type { HttpClient } from "@mjflow/providers/http-client";
import { damaged, damagedAnswer, damagedList } from "./damage.ts";
import type { FaultProfile } from "./fault-profile.ts";
import type { Rng } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Wire } from "./wire.ts";

/** What a request asks for. `account` is the API key. */
export type VendorCall = { account: string } & (
  | { verb: "submit"; state: string; hook: string; press?: { parentId: string; customId: string }; key?: string }
  | { verb: "modal"; state: string; id: string; key?: string }
  | { verb: "list"; ids: readonly string[] }
  | { verb: "query"; state: string | undefined; page: number; size: number }
);

/** A response of the vendor before any damage. */
export type Reply =
  | { kind: "answer"; of: "acceptance" | "refusal" | "list" | "page"; status: number; body: unknown; afterMs?: number }
  /** A response of which nothing can be read, or that is no list. */
  | { kind: "page"; status: number; text: string }
  | { kind: "lost"; reason: string }
  | { kind: "unsent"; reason: string };

export interface VendorHttpDeps {
  scheduler: Scheduler;
  rng: Rng;
  profile: FaultProfile;
  wire: Wire;
  handle(call: VendorCall): Promise<Reply>;
}

export function createVendorHttp({ scheduler, rng, profile, wire, handle }: VendorHttpDeps): HttpClient {
  const pick = (count: number) => rng.int(0, count - 1);
  return async (request) => {
    const call = wire.callOf(request);
    const reply = wire.encode(await handle(call), call);
    if (reply.kind === "lost" || reply.kind === "unsent") return reply;
    if (reply.kind === "page") return { kind: "answered", status: reply.status, text: reply.text };
    const { status, body, of, afterMs } = reply;
    const text = JSON.stringify(body);
    const answered = {
      kind: "answered" as const,
      status,
      text,
      ...(afterMs !== undefined && { retryAfterMs: afterMs }),
    };
    if (of === "refusal" || !rng.chance(profile.junk)) return answered;
    return scheduler.outside(() => DAMAGE[of](text, pick));
  };
}

/** A refusal has no id that the damage must leave readable. */
const DAMAGE = { acceptance: damagedAnswer, list: damagedList, page: damaged } as const;

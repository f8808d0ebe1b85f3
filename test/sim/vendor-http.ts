/**
 * HTTP of the simulated vendor: the real adapter sends its requests here and reads the responses with its real readers. The
 * routes are those of midjourney-proxy plus (docs/protocol.md 1).
 */
import type { HttpClient, VendorHttpRequest } from "@mjflow/providers/http-client";
import { damaged, damagedAnswer, damagedList } from "./damage.ts";
import type { FaultProfile } from "./fault-profile.ts";
import type { Rng } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** What a request asks for. `account` is the API key. */
export type VendorCall = { account: string } & (
  | { verb: "submit"; state: string; hook: string; press?: { parentId: string; customId: string } }
  | { verb: "modal"; state: string; id: string }
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
  handle(call: VendorCall): Promise<Reply>;
}

export function createVendorHttp({ scheduler, rng, profile, handle }: VendorHttpDeps): HttpClient {
  const pick = (count: number) => rng.int(0, count - 1);
  return async (request) => {
    const reply = await handle(callOf(request));
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

function callOf({ url, headers, body }: VendorHttpRequest): VendorCall {
  const account = (headers["authorization"] ?? "").replace("Bearer ", "");
  const fields = (body ?? {}) as Record<string, string> & { ids?: string[]; pageNumber?: number; pageSize?: number };
  const route = url.slice(url.indexOf("/mj/") + 3);
  const { state, notifyHook: hook, taskId, customId } = fields;
  switch (route) {
    case "/submit/imagine":
      return { account, verb: "submit", state: state!, hook: hook! };
    case "/submit/action":
      return { account, verb: "submit", state: state!, hook: hook!, press: { parentId: taskId!, customId: customId! } };
    case "/submit/modal":
      return { account, verb: "modal", state: state!, id: taskId! };
    case "/task/list-by-condition":
      return { account, verb: "list", ids: fields.ids! };
    case "/task/query":
      return { account, verb: "query", state, page: fields.pageNumber!, size: fields.pageSize! };
    default:
      throw new Error(`The simulated vendor has no route ${route}`);
  }
}

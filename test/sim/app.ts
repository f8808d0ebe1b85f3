/** The app's own side: an address that hears of its flows, with a ledger of what it took. */
import type { PostOutcome } from "@mjflow/core/port";
import type { Profile } from "./profile.ts";
import type { Rng } from "./random.ts";

export interface Posted {
  url: string;
  id: string;
  body: string;
  /** The app has it, whatever we were told. */
  taken: boolean;
}

export interface App {
  posts: Posted[];
  send(post: { url: string; id: string; body: string }): Promise<PostOutcome>;
}

export const HEARD_APP = "heard";
export const ENDPOINT_URL = "https://app.test/endpoint";
export const HOOK_URL = "https://app.test/hook";

export function createApp(rng: Rng, profile: Profile): App {
  const posts: Posted[] = [];
  return {
    posts,
    async send({ url, id, body }) {
      const fails = rng.chance(profile.hookFails);
      posts.push({ url, id, body, taken: !fails });
      if (fails && rng.chance(0.5)) return { kind: "answered", status: 503, body: "", tookMs: 5 };
      if (fails || rng.chance(profile.hookLies)) return { kind: "unreachable", why: "reset", tookMs: 5 };
      return { kind: "answered", status: 204, body: "", tookMs: 5 };
    },
  };
}

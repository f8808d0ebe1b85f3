/** The simulated app: its webhook URLs and media functions, with a record of the events that it received. */
import type { PostOutcome } from "@mjflow/core/port";
import type { Media } from "@mjflow/engine/archive";
import type { FaultProfile } from "./fault-profile.ts";
import type { Rng } from "./random.ts";

export interface Posted {
  url: string;
  id: string;
  body: string;
  /** True if the app processed the event, even if mjflow got no response. */
  accepted: boolean;
}

export interface App {
  posts: Posted[];
  send(post: { url: string; id: string; body: string }): Promise<PostOutcome>;
  /** The archive bucket and the vendor's images; both fail with the profile's probability. */
  media: Media;
}

export const SUBSCRIBED_APP = "subscribed";
export const ENDPOINT_ID = "ep_01HZZZZZZZZZZZZZZZZZZZZZZZ";
export const ENDPOINT_URL = "https://app.test/endpoint";
export const NOTIFY_HOOK_URL = "https://app.test/hook";

/** @param isDown whether the receiver of the endpoint responds to nothing */
export function createApp(rng: Rng, profile: FaultProfile, isDown: () => boolean = () => false): App {
  const posts: Posted[] = [];
  const stored = (key: string) => ({ key, bytes: 1, sha256: "0".repeat(64), contentType: "image/png" });
  function fetched(key: string) {
    if (rng.chance(profile.imageFails)) throw Object.assign(new Error("image not available"), { retry: "later" });
    return stored(key);
  }
  return {
    posts,
    media: { copy: async ({ key }) => fetched(key), tile: async ({ key }) => fetched(key) },
    async send({ url, id, body }) {
      const fails = rng.chance(profile.hookFails) || (url === ENDPOINT_URL && isDown());
      posts.push({ url, id, body, accepted: !fails });
      if (fails && rng.chance(0.5)) return { kind: "answered", status: 503, body: "<h1>overloaded</h1>\n", tookMs: 5 };
      if (fails || rng.chance(profile.hookLies)) return { kind: "unreachable", why: "reset", tookMs: 5 };
      return { kind: "answered", status: 204, body: "", tookMs: 5 };
    },
  };
}

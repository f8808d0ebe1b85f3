/** Recorded clients against the facade in memory: every answer is one they take. */
import { beforeEach, expect, test } from "vitest";
import { type Client, createClient, SECRET } from "./client.ts";
import { SESSIONS } from "./recording.ts";
import { replay } from "./replay.ts";

let client: Client;
beforeEach(() => {
  client = createClient();
  // A vendor with windows: it opens one where Midjourney does.
  const { provider } = client.harness.vendor;
  const { press } = provider;
  provider.press = async (call, context) => {
    const answer = await press(call, context);
    const opens = /::(?:Inpaint|CustomZoom)::/.test(call.customId) && answer.kind === "accepted";
    return opens ? { kind: "modal", vendorTaskId: answer.vendorTaskId } : answer;
  };
});

test.each(SESSIONS.filter((session) => !session.needsVendor).map((s) => [s.client, s] as const))(
  "%s gets answers it takes, field by field",
  async (_, session) => {
    const { harness } = client;
    await replay(session, {
      secret: SECRET,
      send: (method, path, body, headers) => client.call(method, path, body, headers),
      wait: () => harness.finishAll(),
    });
    const presses = session.steps.filter(({ send }) => /submit\/(?:action|change|simple-change)/.test(send));
    expect(harness.vendor.presses()).toHaveLength(presses.length);
    expect(harness.vendor.calls.every((call) => harness.vendor.finished.has(call.id))).toBe(true);
  },
);

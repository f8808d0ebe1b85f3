/** Recorded client sessions against the compat API in memory. Every response must be one that the client accepts. */
import { beforeEach, expect, test } from "vitest";
import { type Client, createClient, SECRET } from "./client.ts";
import { SESSIONS } from "./recording.ts";
import { replay } from "./replay.ts";

let client: Client;
beforeEach(() => {
  client = createClient();
  // A vendor that opens a modal for the same buttons as Midjourney.
  const { provider } = client.harness.vendor;
  const { press } = provider;
  provider.press = async (call, context) => {
    const answer = await press(call, context);
    const opens = /::(?:Inpaint|CustomZoom)::/.test(call.customId) && answer.kind === "accepted";
    return opens ? { kind: "modal", vendorTaskId: answer.vendorTaskId } : answer;
  };
});

test.each(SESSIONS.filter((session) => !session.needsVendor).map((s) => [s.client, s] as const))(
  "%s accepts every response, field by field",
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

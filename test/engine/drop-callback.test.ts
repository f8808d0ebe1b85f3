import type { CallbackClaims } from "@mjflow/core/callback-token";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { dropCallback } from "@mjflow/engine/drop-callback";
import { describe, expect, test } from "vitest";
import { TOKEN_KEY } from "../support/harness.ts";

const NOW = Date.parse("2026-12-01T00:00:00Z");
const CLAIMS = {
  flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD",
  path: "0",
  attempt: 1,
  provider: "newapi",
  account: "default",
  expiresAt: NOW + 60_000,
  progress: false,
  calling: true,
};

function scene(claims: Partial<typeof CLAIMS> = {}, { isChecked = true, at = NOW } = {}) {
  const signer = createCallbackTokens({ keys: [TOKEN_KEY], callbackUrl: "https://hooks.test" });
  const knownTokens = new Map<string, CallbackClaims>();
  const checker = createCallbackTokens({ keys: [TOKEN_KEY], callbackUrl: "", shared: knownTokens });
  const token = signer.url({ ...CLAIMS, ...claims }).split("/callbacks/")[1]!;
  if (isChecked) expect(checker.read(token, NOW).ok).toBe(true);
  const counted: string[] = [];
  const read: string[] = [];
  const log = { info: () => {}, warn: () => {}, error: () => {}, count: (metric: string) => void counted.push(metric) };
  const deps = {
    knownTokens,
    clock: { now: () => at },
    log,
    isStep: (provider: string, body: string) => {
      read.push(provider);
      return body === "step";
    },
  };
  return { drop: (body = "step", sent = token) => dropCallback(deps, sent, body), counted, read };
}

describe("the short way of a dropped callback (D1, D2)", () => {
  test("a step of progress that no app requested is dropped and counted", () => {
    const { drop, counted } = scene();
    expect(drop()).toBe(true);
    expect(counted).toEqual(["Callbacks", "CallbacksDropped"]);
  });

  test("a body that is no step goes on, and is not counted here", () => {
    const { drop, counted } = scene();
    expect(drop("success")).toBe(false);
    expect(counted).toEqual([]);
  });

  test.each<[string, Parameters<typeof scene>]>([
    ["that wants progress", [{ progress: true }]],
    ["whose account is not known to send callbacks", [{ calling: false }]],
    ["that was never checked", [{}, { isChecked: false }]],
    ["that has expired since", [{}, { at: NOW + 60_000 }]],
  ])("a token %s goes on, and its body is not read", (_, options) => {
    const { drop, counted, read } = scene(...options);
    expect(drop()).toBe(false);
    expect([counted, read]).toEqual([[], []]);
  });

  test("a token that differs in one character goes on", () => {
    const { drop, read } = scene();
    expect(drop("step", "1.forged")).toBe(false);
    expect(read).toEqual([]);
  });
});

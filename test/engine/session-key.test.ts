/** The key that a new session stands for, read again when the session is made. */
import type { App, AppKey } from "@mjflow/core/app";
import { startSession } from "@mjflow/engine/session";
import { describe, expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const KEY = { id: "k1", sha256: "ab" } as AppKey;

function start(found: { app?: App; key?: AppKey }, caller: { operator: boolean; keyId?: string }) {
  const { deps } = createTestHarness();
  const reads: string[][] = [];
  const store = Object.assign(Object.create(deps.store), {
    appWithKey: async (...ids: string[]) => {
      reads.push(ids);
      return found;
    },
  });
  const started = startSession({ ...deps, store }, "mjk_secret", { appId: "app_a", ...caller }, "session", {});
  return { started, reads };
}

describe("a new session", () => {
  test("stands for the key of the request, of its app", async () => {
    const { started, reads } = start({ key: KEY }, { operator: false, keyId: "k1" });
    expect((await started).token).toMatchObject({ owner: "app_a", keyId: "k1", kind: "session", rev: 1 });
    expect(reads).toEqual([["app_a", "k1"]]);
  });

  test("of the operator stands for no key of an app, and none is read", async () => {
    const { started, reads } = start({ key: KEY }, { operator: true });
    expect((await started).token).not.toHaveProperty("keyId");
    expect(reads).toEqual([]);
  });

  test.each([
    ["the key was removed at this moment", {}, { operator: false, keyId: "k1" }, 1],
    ["the caller has no key", { key: KEY }, { operator: false }, 0],
  ])("is refused as unauthorized if %s", async (_, found, caller, count) => {
    const { started, reads } = start(found, caller);
    await expect(started).rejects.toMatchObject({ code: "unauthorized" });
    expect(reads).toHaveLength(count);
  });
});

/**
 * Fault 32 in the function itself: containers of all deployments of a rotation run at the same time, on a real table.
 */
import type { Store } from "@mjflow/core/port";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newFlow, taskIn } from "../conformance/factory.ts";
import { makeTable, TABLE, type TableMaker } from "../conformance/table.maker.ts";
import { startTableEngine } from "../support/emulator/table.ts";
import { type Container, startContainer } from "./container.ts";

const OLD = "the key of last year, 32 characters and more";
const NEW = "the key of this year, 32 characters and more";
const NEXT = "the key of next year, 32 characters and more";
const HOUR = 3_600_000;

let engine: Awaited<ReturnType<typeof startTableEngine>>;
let maker: TableMaker;
let store: Store;
const containers = new Map<string, Container>();

beforeAll(async () => {
  engine = await startTableEngine();
  maker = await makeTable(engine);
  store = createDynamoStore({ client: maker.client(), table: TABLE });
});
afterAll(async () => {
  await Promise.all([...containers.values()].map((container) => container.stop()));
  await maker?.stop();
});

/**
 * Starts a container with the links of SST and the environment of AWS. `previous` is empty if there is no previous key.
 */
function deployed(key: string, previous = ""): Container {
  const running = containers.get(key + previous);
  if (running) return running;
  const linked = {
    App: { name: "mjflow", stage: "test" },
    Table: { name: TABLE },
    SubmitQueue: { url: "http://127.0.0.1:1/unused" },
    HookKey: { value: key },
    PreviousHookKey: { value: previous },
  };
  const resources = Object.entries(linked).map(([name, value]) => [`SST_RESOURCE_${name}`, JSON.stringify(value)]);
  const container = startContainer({
    ...(Object.fromEntries(resources) as Record<string, string>),
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
    MJFLOW_LOG: "silent",
  });
  containers.set(key + previous, container);
  return container;
}

/** Stores a submitted task and returns its callback token, signed with this key. */
async function submitted(key: string) {
  const now = Date.now();
  const flow = newFlow({ provider: "cometapi", createdAt: now });
  const at = { createdAt: now, updatedAt: now, submittedAt: now, due: now + HOUR, provider: "cometapi" };
  await store.createFlow(flow, taskIn(flow.id, "0", { ...at, status: "SUBMITTED", attempt: 1, vendorTaskId: "17" }));
  const claims = { flowId: flow.id, path: "0", attempt: 1, provider: "cometapi", account: "default" };
  const tokens = createCallbackTokens({ keys: [key], callbackUrl: "https://h.test" });
  const url = tokens.url({ ...claims, expiresAt: now + HOUR, progress: true, calling: true });
  const status = async () => (await store.getTask({ flowId: flow.id, path: "0" }))!.status;
  return { token: url.split("/callbacks/")[1]!, status };
}

const END = JSON.stringify({
  id: "17",
  action: "IMAGINE",
  status: "SUCCESS",
  progress: "100%",
  imageUrl: "https://i.test/1.png",
});
const MIDDLE = JSON.stringify({ id: "17", action: "IMAGINE", status: "IN_PROGRESS", progress: "46%" });

describe("rotation of the callback token key", () => {
  // A key is accepted before workers sign with it, and until the last token signed with it has expired.
  const steps: [string, () => Container[], string[]][] = [
    ["before the rotation", () => [deployed(OLD)], [OLD]],
    ["while the new key is deployed as accepted key", () => [deployed(OLD), deployed(OLD, NEW)], [OLD]],
    ["while workers start to sign with the new key", () => [deployed(OLD, NEW), deployed(NEW, OLD)], [OLD, NEW]],
    ["after the rotation", () => [deployed(NEW, OLD)], [OLD, NEW]],
    ["while the old key is removed after its tokens expired", () => [deployed(NEW, OLD), deployed(NEW)], [NEW]],
  ];

  test.each(steps)("%s every container accepts every callback", async (_, deploy, signing) => {
    const serving = deploy();
    const tasks = await Promise.all(signing.flatMap((key) => Array.from({ length: 10 }, () => submitted(key))));
    const statuses = await Promise.all(
      tasks.flatMap(({ token }) =>
        serving.flatMap((container) => [container.post(token, MIDDLE), container.post(token, END)]),
      ),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    for (const { status } of tasks) expect(await status()).toBe("SUCCESS");
  });

  test("after both keys are removed their callbacks are rejected and change no row", async () => {
    const later = deployed(NEXT);
    const tasks = await Promise.all([OLD, NEW].map((key) => submitted(key)));
    for (const { token, status } of tasks) {
      for (const body of [MIDDLE, END]) expect(await later.post(token, body)).toBe(401);
      expect(await status()).toBe("SUBMITTED");
    }
  });
});

test("a callback body with a byte order mark is accepted", async () => {
  const { token, status } = await submitted(NEW);
  expect(await deployed(NEW).post(token, `\ufeff${END}`)).toBe(200);
  expect(await status()).toBe("SUCCESS");
});

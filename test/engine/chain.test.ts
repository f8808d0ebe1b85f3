/** Chains of messages that a function sends to its own queue: each message counts, and the last one sends none. */
import { deliverMessage, MAX_HOPS, type Message, type OutgoingMessage, submitMessage } from "@mjflow/core/message";
import { continueChain, isChainOver } from "@mjflow/engine/chain";
import { startFollowUps } from "@mjflow/engine/follow-ups";
import { expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const FLOW = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const DELIVERY = `dlv_${FLOW.slice(5)}_0_end_hook`;

function chainOf(message: Message) {
  const sent: OutgoingMessage[] = [];
  const deps = continueChain(
    { queue: { send: async (all: readonly OutgoingMessage[]) => void sent.push(...all) } },
    message,
  );
  return { deps, sent };
}

test("a message to the own queue is one further in the chain, and a message to another queue starts one", async () => {
  const { deps, sent } = chainOf({ ...submitMessage(FLOW, "0"), hops: 2 });
  await deps.queue.send([{ message: submitMessage(FLOW, "0-1"), delayMs: 5 }, { message: deliverMessage(DELIVERY) }]);
  expect(sent).toEqual([
    { message: { ...submitMessage(FLOW, "0-1"), hops: 3 }, delayMs: 5 },
    { message: deliverMessage(DELIVERY) },
  ]);
});

test("a message without a number is the first of its chain", async () => {
  const { deps, sent } = chainOf(submitMessage(FLOW, "0"));
  await deps.queue.send([{ message: submitMessage(FLOW, "0") }]);
  expect(sent).toEqual([{ message: { ...submitMessage(FLOW, "0"), hops: 2 } }]);
});

test("the last message of a chain sends none to its own queue, except for the acceptance of a paid task", async () => {
  const { deps, sent } = chainOf({ ...submitMessage(FLOW, "0"), hops: MAX_HOPS });
  const taken = { v: 1, type: "taken", flowId: FLOW, path: "0", attempt: 1, vendorTaskId: "v", window: false } as const;
  await deps.queue.send([
    { message: submitMessage(FLOW, "0") },
    { message: taken },
    { message: deliverMessage(DELIVERY) },
  ]);
  expect(sent.map(({ message }) => message.type)).toEqual(["taken", "deliver"]);
  expect([isChainOver(deps, "submit"), isChainOver(deps, "deliver"), isChainOver({}, "submit")]).toEqual([
    true,
    false,
    false,
  ]);
});

test("follow-ups that get no message are due at once, so the sweeper starts them in its next run", async () => {
  const harness = createTestHarness();
  const flow = await harness.start({ then: [{ press: "U1" }, { press: "tile:1" }] });
  await harness.drain();
  harness.queueFault.arm("send", "before", 1);
  await harness.post(harness.vendor.calls[0]!, "SUCCESS").catch(() => {});
  const before = harness.dump().tasks.filter(({ path }) => path !== "0");
  const parent = (await harness.read(flow)).tasks.get("0")!;
  expect(before).toHaveLength(2);
  const other = createTestHarness();
  const chained = continueChain(other.deps, { ...submitMessage(FLOW, "0"), hops: MAX_HOPS });
  await startFollowUps(chained, parent);
  const [press, tile] = other.dump().tasks.toSorted((a, b) => a.path.localeCompare(b.path));
  expect(press).toMatchObject({ path: "0-0", due: other.deps.clock.now() });
  expect(press!.flowDue).toBeUndefined();
  // A tile is cut by another function, so its message starts a chain of its own.
  expect(tile!.due).toBe(before.find(({ path }) => path === "0-1")!.due);
  expect(other.queue.receive(10).map(({ body }) => JSON.parse(body).type)).toEqual(["archive"]);
});

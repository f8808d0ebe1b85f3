import type { Message } from "@mjflow/core/message";
import { submitMessage } from "@mjflow/core/message";
import { describe, expect, test, vi } from "vitest";
import { createMemoryQueue } from "../../../test/support/memory/queue.ts";
import { consume } from "./consume.ts";

const pathOf = (message: Message) => ("path" in message ? message.path : "");

const flowId = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";

async function event(count = 3) {
  const queue = createMemoryQueue({ now: () => 0, visibilityMs: 1, maxReceiveCount: 1 });
  await queue.send(Array.from({ length: count }, (_, i) => ({ message: submitMessage(flowId, `0-${i}`) })));
  return { Records: queue.receive(count) };
}

function quiet() {
  return { warn: vi.fn(), error: vi.fn() };
}

describe("consuming a batch", () => {
  test("a batch whose records were all handled reports no failure", async () => {
    const seen: string[] = [];
    const result = await consume(await event(), async (message) => void seen.push(pathOf(message)), { log: quiet() });
    expect(result).toEqual({ batchItemFailures: [] });
    expect(seen).toEqual(["0-0", "0-1", "0-2"]);
  });

  test("only the record that failed is reported", async () => {
    const log = quiet();
    const batch = await event();
    const handle = async (message: Message) => {
      const path = pathOf(message);
      if (path === "0-1") throw new Error("the table is away");
    };
    const result = await consume(batch, handle, { log });
    expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: batch.Records[1]!.messageId }] });
    expect(log.warn).toHaveBeenCalledOnce();
  });

  test("all records of a batch start before the first has ended", async () => {
    const started: string[] = [];
    let open = () => {};
    const all = new Promise<void>((resolve) => {
      open = resolve;
    });
    const handle = async (message: Message) => {
      const path = pathOf(message);
      if (started.push(path) === 3) open();
      await all;
    };
    expect(await consume(await event(), handle, { log: quiet() })).toEqual({ batchItemFailures: [] });
  });

  test("a handler that throws before its first await fails only its record", async () => {
    const handle = () => {
      throw new Error("at once");
    };
    const result = await consume(await event(), handle, { log: quiet() });
    expect(result.batchItemFailures).toHaveLength(3);
  });
});

describe("unreadable messages", () => {
  const poisoned = async () => {
    const batch = await event(2);
    batch.Records[0]!.body = `{"v":2,"secret":"hidden"}`;
    return batch;
  };

  test("an unreadable message is reported as failed, is not handled and is not quoted in the log", async () => {
    const log = quiet();
    const batch = await poisoned();
    const handle = vi.fn(async () => {});
    const result = await consume(batch, handle, { log });
    expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: batch.Records[0]!.messageId }] });
    expect(handle).toHaveBeenCalledOnce();
    expect(JSON.stringify(log.error.mock.calls)).not.toContain("hidden");
  });

  test.each([
    ["is deleted when onUnreadable returns done", () => "done" as const, 0],
    ["returns to its queue when onUnreadable returns nothing", () => undefined, 1],
    [
      "returns to its queue when onUnreadable throws",
      () => {
        throw new Error("no room");
      },
      1,
    ],
  ])("an unreadable message %s", async (_, onUnreadable, failures) => {
    const result = await consume(await poisoned(), async () => {}, { log: quiet(), onUnreadable });
    expect(result.batchItemFailures).toHaveLength(failures);
  });
});

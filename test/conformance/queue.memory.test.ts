import { createMemoryQueue } from "../support/memory/queue.ts";
import { MAX_RECEIVES, queueCase } from "./queue.case.ts";

const VISIBILITY_MS = 30_000;

queueCase("memory", async () => {
  let now = 1_000;
  const queue = createMemoryQueue({ now: () => now, visibilityMs: VISIBILITY_MS, maxReceiveCount: MAX_RECEIVES });
  return {
    send: queue.send,
    resend: queue.resend,
    receive: async () =>
      queue.receive(10).map(({ body, receiptHandle, attributes }) => {
        return { body, receiptHandle, receives: Number(attributes.ApproximateReceiveCount) };
      }),
    delete: async (receipt) => void queue.delete(receipt),
    async afterVisibility() {
      now += VISIBILITY_MS;
    },
    depth: async () => queue.depth(),
    deadLetters: async () => queue.deadLetters,
    stop: async () => {},
  };
});

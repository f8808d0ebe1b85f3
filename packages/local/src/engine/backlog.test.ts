/** What a message costs must not depend on how many others wait. The statements are counted, and the query plans are read in file-queue.test.ts. */
import { submitMessage } from "@mjflow/core/message";
import { expect, test } from "vitest";
import { cleanUp } from "../../test/test-folder.ts";
import { openDataFile } from "./data-file.ts";
import { createFileQueues } from "./file-queue.ts";

const message = submitMessage("flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", "0");
const HANDLED = 50;

/** Number of statements for sending, receiving and deleting 50 messages in front of a queue of this length. */
async function statementsOf(waiting: number): Promise<number> {
  const file = openDataFile();
  cleanUp.push(() => file.close());
  let statements = 0;
  const sql = (text: string) => {
    statements++;
    return file.sql(text);
  };
  const { queue, source, depths } = createFileQueues({
    file: { ...file, sql },
    visibilityMs: 30_000,
    maxReceiveCount: () => 5,
  });
  await queue.send(Array.from({ length: waiting }, () => ({ message, group: "account" })));
  statements = 0;
  await queue.send(Array.from({ length: HANDLED }, () => ({ message, group: "account" })));
  const submit = source("submit");
  let handled = 0;
  while (handled < HANDLED) {
    const received = await submit.receive(10, new AbortController().signal);
    await submit.delete(received.map(({ receipt }) => receipt));
    handled += received.length;
  }
  expect(handled).toBe(HANDLED);
  const [submitDepth] = await depths();
  expect(submitDepth).toMatchObject({ name: "submit", waiting, inFlight: 0 });
  return statements;
}

test("a message takes as many statements with 2,000 that wait as with 200", async () => {
  const few = await statementsOf(200);
  expect(await statementsOf(2_000)).toBe(few);
  expect(few / HANDLED).toBeLessThan(6);
});

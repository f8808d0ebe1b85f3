import { answer } from "../child.ts";
import { type Enqueue, type Enqueued, type Ran, type Run, startDriver } from "./driver.ts";
import type { Ready } from "./system.ts";

export type DriverQuestion = { drive: Run } | { complete: Ready } | { enqueue: Enqueue } | { enqueued: true };
export type DriverAnswer = { donePort: number } & Partial<Ran & Enqueued>;

await answer<object, DriverQuestion, DriverAnswer>(async () => {
  const driver = await startDriver();
  const { donePort } = driver;
  return {
    ready: { donePort },
    async ask(question) {
      if ("drive" in question) return { donePort, ...(await driver.drive(question.drive)) };
      if ("enqueued" in question) return { donePort, ...driver.enqueued() };
      if ("enqueue" in question) driver.enqueue(question.enqueue);
      else await driver.complete(question.complete);
      return { donePort };
    },
    stop: driver.stop,
  };
});

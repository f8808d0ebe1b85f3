import { answer } from "../child.ts";
import { type Ran, type Run, startDriver } from "./driver.ts";
import type { Ready } from "./system.ts";

export type DriverQuestion = { drive: Run } | { complete: Ready };
export type DriverAnswer = { donePort: number } & Partial<Ran>;

await answer<object, DriverQuestion, DriverAnswer>(async () => {
  const driver = await startDriver();
  const { donePort } = driver;
  return {
    ready: { donePort },
    async ask(question) {
      if ("drive" in question) return { donePort, ...(await driver.drive(question.drive)) };
      await driver.complete(question.complete);
      return { donePort };
    },
    stop: driver.stop,
  };
});

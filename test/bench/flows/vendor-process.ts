import { connect } from "node:net";
import { answer } from "../child.ts";
import { startVendor, type VendorReport } from "./vendor.ts";

/** Each answer is a report; `steps` changes the steps of progress of later tasks. */
export type VendorQuestion = { steps?: number };
export type VendorAnswer = { url: string } & Partial<VendorReport>;

await answer<{ donePort: number }, VendorQuestion, VendorAnswer>(async ({ donePort }) => {
  const driver = connect({ host: "127.0.0.1", port: donePort, noDelay: true });
  driver.on("error", () => {});
  const vendor = await startVendor((flow) => driver.write(`${flow}\n`, "latin1"));
  return {
    ready: { url: vendor.url },
    async ask({ steps }) {
      if (steps !== undefined) vendor.setSteps(steps);
      return { url: vendor.url, ...vendor.report() };
    },
    async stop() {
      driver.destroy();
      await vendor.stop();
    },
  };
});

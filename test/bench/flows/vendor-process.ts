import { connect } from "node:net";
import { answer } from "../child.ts";
import { startVendor, type VendorReport } from "./vendor.ts";

export type VendorAnswer = { url: string } & Partial<VendorReport>;

await answer<{ donePort: number }, object, VendorAnswer>(async ({ donePort }) => {
  const driver = connect({ host: "127.0.0.1", port: donePort, noDelay: true });
  driver.on("error", () => {});
  const vendor = await startVendor((flow) => driver.write(`${flow}\n`, "latin1"));
  return {
    ready: { url: vendor.url },
    ask: async () => ({ url: vendor.url, ...vendor.report() }),
    async stop() {
      driver.destroy();
      await vendor.stop();
    },
  };
});

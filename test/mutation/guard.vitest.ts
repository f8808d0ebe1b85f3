/** Runs tests on sources without one heal: the guard with the number in `MJFLOW_GUARD`. */
import { defineConfig } from "vitest/config";
import { GUARDS } from "./guard-list.ts";

const guard = GUARDS[Number(process.env["MJFLOW_GUARD"])]!;

export default defineConfig({
  plugins: [
    {
      name: "guard",
      enforce: "pre",
      transform(code, id) {
        return id.endsWith(guard.file) ? code.replace(guard.was, () => guard.is) : undefined;
      },
    },
  ],
  // Vitest keeps transformed sources on the disk and does not know that each guard transforms them in another way.
  test: { include: [guard.tests], maxWorkers: 1, fsModuleCache: false },
});

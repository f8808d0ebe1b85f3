/** `mjflow backup`: copies the data folder of a local server, also while the server runs. */
import { resolve } from "node:path";
import { command, type Option } from "../command.ts";
import { EXIT } from "../exit.ts";
import { UsageError } from "../usage-error.ts";

const OPTIONS = {
  data: { type: "string", value: "FOLDER", help: "data folder (MJFLOW_DATA_DIR, .mjflow)" },
} as const satisfies Record<string, Option>;

export const backup = command({
  name: "backup",
  summary: "copy the data folder of the local server, also while it runs",
  usage: ["NEW-FOLDER [--data FOLDER]"],
  argCount: [1, 1],
  options: OPTIONS,
  notes: `
The copy contains all data that was acknowledged before the command started, the images of the bucket, and all keys. Keep
it as secret as the data folder. To restore it, copy it to a new folder and start the server with this data folder.`,
  async run(context, { values: { data }, positionals: [target] }) {
    const { cwd, env } = context.platform;
    const dataDir = resolve(cwd, data ?? (env["MJFLOW_DATA_DIR"] || ".mjflow"));
    const { backUp } = await import("@mjflow/local/backup");
    const made = await backUp(dataDir, resolve(cwd, target!)).catch((error: Error) => {
      throw error.name === "ConfigError" ? new UsageError(error.message, "backup") : error;
    });
    context.show({ ...made, dataDir }, () => [
      `✓ ${made.folder}`,
      ...Object.entries(made.files).map(([name, bytes]) => `  ${name}  ${bytes.toLocaleString("en")} bytes`),
    ]);
    return EXIT.ok;
  },
});

/** `mjflow dev`: the house on this machine, as `npm start` in a clone starts it. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { command, type Option } from "../command.ts";
import { EXIT } from "../exit.ts";
import { UsageError } from "../usage-error.ts";

/** By its place in the clone, and as nobody's dependency: the command line works without a house, too. */
const START = new URL("../../../../bin/start.mjs", import.meta.url);

const OPTIONS = {
  port: { type: "string", value: "N", help: "where it listens (MJFLOW_PORT, 4600); 0: any free port" },
  data: { type: "string", value: "FOLDER", help: "where it keeps everything (MJFLOW_DATA_DIR, .mjflow)" },
} as const satisfies Record<string, Option>;

export const dev = command({
  name: "dev",
  summary: "start the house on this machine, vendors simulated; Ctrl-C stops it",
  usage: ["[--port N] [--data FOLDER]"],
  words: [0, 0],
  options: OPTIONS,
  notes: `
What \`npm start\` does, and configured as it is. It prints the key it made for this machine; the other commands find
that by themselves, in the data folder.`,
  async run(_, { values: { port, data } }) {
    if (!existsSync(fileURLToPath(START))) throw new UsageError("mjflow dev works inside a clone of mjflow.", "dev");
    // The house reads its environment once, when it is imported.
    if (port !== undefined) process.env["MJFLOW_PORT"] = port;
    if (data !== undefined) process.env["MJFLOW_DATA_DIR"] = data;
    await import(START.href);
    return EXIT.ok;
  },
});

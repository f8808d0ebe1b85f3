/** `mjflow dev`: starts the local server, like `npm start` in a clone. */
import { command, type Option } from "../command.ts";
import { EXIT } from "../exit.ts";

const OPTIONS = {
  port: { type: "string", value: "N", help: "TCP port (MJFLOW_PORT, 4600); 0: any free port" },
  data: { type: "string", value: "FOLDER", help: "data folder (MJFLOW_DATA_DIR, .mjflow)" },
} as const satisfies Record<string, Option>;

export const dev = command({
  name: "dev",
  summary: "start the local server with simulated vendors; Ctrl-C stops it",
  usage: ["[--port N] [--data FOLDER]"],
  argCount: [0, 0],
  options: OPTIONS,
  notes: `
Does the same as \`npm start\`, with the same settings. It prints the key of the local server. The other commands find
this key in the data folder.`,
  async run(_, { values: { port, data } }) {
    // The local server reads its environment once, when it is imported.
    if (port !== undefined) process.env["MJFLOW_PORT"] = port;
    if (data !== undefined) process.env["MJFLOW_DATA_DIR"] = data;
    await import("@mjflow/local/main");
    return EXIT.ok;
  },
});

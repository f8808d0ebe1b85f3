/** `mjflow dev`: starts the local server, like `npm start` in a clone. */
import { command, type Option } from "../command.ts";
import { EXIT } from "../exit.ts";

const OPTIONS = {
  port: { type: "string", value: "N", help: "TCP port (MJFLOW_PORT, 4600); 0: any free port" },
  data: { type: "string", value: "FOLDER", help: "data folder (MJFLOW_DATA_DIR, .mjflow)" },
  tunnel: { type: "boolean", help: "let real vendors reach the callbacks through cloudflared or ngrok" },
  "tunnel-command": {
    type: "string",
    value: "COMMAND",
    help: "another tunnel program, with {port}: 'bore local {port} --to bore.pub'",
  },
} as const satisfies Record<string, Option>;

export const dev = command({
  name: "dev",
  summary: "start the local server with simulated vendors; Ctrl-C stops it",
  usage: ["[--port N] [--data FOLDER] [--tunnel]"],
  argCount: [0, 0],
  options: OPTIONS,
  notes: `
Does the same as \`npm start\`, with the same settings. It prints the key of the local server. The other commands find
this key in the data folder.

A real vendor sends callbacks to a public address. --tunnel starts a tunnel program that is installed here. Its address
leads only to the callbacks: the API, the console and the images stay on this machine. The start sends a test callback
through the tunnel and prints the result. MJFLOW_TUNNEL=on does the same.`,
  async run(_, { values }) {
    const { port, data, tunnel, "tunnel-command": tunnelCommand } = values;
    // The local server reads its environment once, when it is imported.
    if (port !== undefined) process.env["MJFLOW_PORT"] = port;
    if (data !== undefined) process.env["MJFLOW_DATA_DIR"] = data;
    if (tunnelCommand !== undefined) process.env["MJFLOW_TUNNEL"] = tunnelCommand;
    else if (tunnel !== undefined) process.env["MJFLOW_TUNNEL"] = tunnel ? "on" : "off";
    const { ensureHeapFlags } = await import("@mjflow/local/heap");
    ensureHeapFlags();
    await import("@mjflow/local/main");
    return EXIT.ok;
  },
});

/** `mjflow mcp`: a server of the Model Context Protocol on standard input and output. */
import { command, type Option } from "../command.ts";
import { EXIT } from "../exit.ts";

const OPTIONS = {
  provider: {
    type: "string",
    value: "ID",
    help: "provider of flows that name none; default: MJFLOW_PROVIDER, then simulator",
  },
} as const satisfies Record<string, Option>;

export const mcp = command({
  name: "mcp",
  summary: "serve the Model Context Protocol on standard input and output, for language models",
  usage: ["[--provider ID]"],
  argCount: [0, 0],
  options: OPTIONS,
  notes: `
Tools: imagine, press, wait, pictures, flow, flows, cancel, providers. Configure a client with this command:

  {"mcpServers": {"mjflow": {"command": "npx", "args": ["mjflow", "mcp"], "env": {"MJFLOW_URL": "…", "MJFLOW_API_KEY": "…"}}}}

imagine and press are paid if the provider is a real vendor. The command ends when the client closes its input.`,
  async run(context, { values }) {
    // Loaded here, because the help loads all commands, and the library of the protocol is large.
    const { StdioServerTransport } = await import("@modelcontextprotocol/sdk/server/stdio.js");
    const { createMcpServer } = await import("../mcp/server.ts");
    const { mjflow, connection, platform, signal } = context;
    const provider = values.provider ?? (platform.env["MJFLOW_PROVIDER"]?.trim() || "simulator");
    const hidden = (text: string) => context.hidden(text);
    const server = createMcpServer({ mjflow, serverUrl: connection.url, provider, hidden });
    const closed = new Promise<void>((resolve) => {
      server.server.onclose = resolve;
    });
    const close = () => void server.close();
    // The transport itself does not notice the end of the input.
    process.stdin.once("end", close).once("close", close);
    signal.addEventListener("abort", close, { once: true });
    await server.connect(new StdioServerTransport());
    await closed;
    return EXIT.ok;
  },
});

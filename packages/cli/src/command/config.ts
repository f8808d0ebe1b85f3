/** `mjflow config`: shows the settings and their sources, but never the key. */
import { command } from "../command.ts";
import { EXIT } from "../exit.ts";
import { pad, stripControlCharacters } from "../text.ts";
import { VERSION } from "../version.ts";

export const config = command({
  name: "config",
  summary: "show the settings and their sources",
  usage: [""],
  argCount: [0, 0],
  options: {},
  notes: `
MJFLOW_URL, MJFLOW_API_KEY, MJFLOW_PROVIDER, MJFLOW_DATA_DIR, MJFLOW_PORT and NO_COLOR are read from the environment.`,
  async run(context) {
    const { url, urlFrom, apiKey, keyFrom } = context.connection;
    const provider = context.platform.env["MJFLOW_PROVIDER"]?.trim() || undefined;
    const view = {
      version: VERSION,
      node: process.versions.node,
      url,
      urlFrom,
      key: apiKey === undefined ? "none" : "set",
      keyFrom: keyFrom ?? null,
      provider: provider ?? "simulator",
      providerFrom: provider === undefined ? "default" : "MJFLOW_PROVIDER",
    };
    const rows: [string, string, string][] = [
      ["address", url, urlFrom],
      ["key", view.key, keyFrom ?? "set MJFLOW_API_KEY"],
      ["vendor", view.provider, view.providerFrom],
      ["mjflow", VERSION, `Node ${view.node}`],
    ];
    context.show(view, () =>
      rows.map(
        ([name, value, from]) =>
          `${pad(name, 9)}${stripControlCharacters(value)}  ${context.paint("dim", `(${stripControlCharacters(from)})`)}`,
      ),
    );
    return EXIT.ok;
  },
});

/** `mjflow open`: shows a flow or a task in the console of the server. */
import { command, type Option } from "../command.ts";
import { EXIT } from "../exit.ts";
import { openInBrowser } from "../opener.ts";
import { UsageError } from "../usage-error.ts";

const OPTIONS = {
  console: { type: "string", value: "URL", help: "URL of the console; default: /console of the server" },
  "print-url": { type: "boolean", help: "only print the URL" },
} as const satisfies Record<string, Option>;

/** A flow id, or a task id: it contains the id of its flow. */
const ID = /^(?:flow_(?<flow>\w{26})|task_(?<of>\w{26})_[\d-]+)$/;

export const open = command({
  name: "open",
  summary: "open a flow or a task in the console",
  usage: ["[<flow>|<task>]"],
  argCount: [0, 1],
  options: OPTIONS,
  notes: `
Without an id it opens the list of flows. It prints the URL, too. A console that is deployed elsewhere needs --console. The
browser is BROWSER, or the default of the system.`,
  async run(context, { values, positionals: [id] }) {
    const base = consoleUrl(values.console ?? `${context.connection.url}/console/`);
    const url = `${base}#/${routeOf(id)}`;
    const isOpened = !values["print-url"] && (await openInBrowser(url, context.platform.env));
    context.show({ url, opened: isOpened }, () => [url]);
    if (!isOpened && !values["print-url"]) context.note("No browser was found. Open this URL yourself.");
    return EXIT.ok;
  },
});

function routeOf(id: string | undefined): string {
  if (id === undefined) return "flows";
  const { flow, of } = ID.exec(id)?.groups ?? {};
  if (flow === undefined && of === undefined) throw new UsageError("Give the id of a flow or of a task.", "open");
  return of === undefined ? `flows/${id}` : `flows/flow_${of}/${id}`;
}

function consoleUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError("--console must start with http:// or https://.", "open");
  }
  if (url.username || url.password) throw new UsageError("--console must not contain credentials.", "open");
  url.hash = "";
  url.search = "";
  return url.href;
}

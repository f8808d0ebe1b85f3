/** `mjflow flow`, `flows`, `cancel`, `resume`, `delete`: existing flows. */
import type { FlowQuery, FlowSummary } from "@mjflow/client";
import { command, type Option } from "../command.ts";
import type { Context } from "../context.ts";
import { flowLines } from "../draw/flow.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import {
  PAGING_OPTIONS,
  parseChoice,
  parseTimeout,
  parseTimeRange,
  TIME_RANGE_OPTIONS,
  WAIT_OPTIONS,
} from "../option.ts";
import { collect, moreLine, pageSize } from "../page.ts";
import { stripControlCharacters } from "../text.ts";
import { ago } from "../time.ts";
import { waitForFlow } from "../wait.ts";

export const flow = command({
  name: "flow",
  summary: "show a flow as a tree of its tasks",
  usage: ["<flow>"],
  argCount: [1, 1],
  options: {},
  async run(context, { positionals: [id] }) {
    const found = await context.mjflow.flows.get(id!, { signal: context.signal });
    context.show(found, () => flowLines(found, context.paint, context.columns));
    return EXIT.ok;
  },
});

const STATUSES = ["running", "completed", "failed", "canceled"] as const;

const LIST = {
  status: { type: "string", value: "STATUS", help: "running, completed, failed or canceled", choices: STATUSES },
  state: { type: "string", help: "only flows with this state" },
  provider: { type: "string", value: "ID", help: "only flows of this provider" },
  ...TIME_RANGE_OPTIONS,
  ...PAGING_OPTIONS,
} as const satisfies Record<string, Option>;

export const flows = command({
  name: "flows",
  summary: "list flows, newest first",
  usage: ["[--status running] [--since 2h]"],
  argCount: [0, 0],
  options: LIST,
  async run(context, { values }) {
    const { state, provider } = values;
    const query: FlowQuery = {
      limit: pageSize(values),
      status: parseChoice("--status", values.status, STATUSES),
      ...(state !== undefined && { state }),
      ...(provider !== undefined && { provider }),
      ...parseTimeRange(context, values),
    };
    const page = await collect(context.mjflow.flows.list(query, { signal: context.signal }), values);
    context.show(page, () =>
      page.data.length === 0 ? ["No flows."] : [...rows(context, page.data), ...moreLine(page)],
    );
    return EXIT.ok;
  },
});

function rows({ paint, columns, platform }: Context, data: readonly FlowSummary[]): string[] {
  const now = platform.now();
  const shown: Column<FlowSummary>[] = [
    { name: "flow", of: ({ id }) => id },
    { name: "status", of: ({ status }) => status },
    { name: "started", of: ({ createdAt }) => ago(createdAt, now) },
    { name: "vendor", of: ({ provider }) => provider },
    ...(data.some(({ state }) => state !== null)
      ? [{ name: "state", of: ({ state }: FlowSummary) => state ?? "", cut: true as const }]
      : []),
    { name: "prompt", of: ({ prompt, action }) => prompt ?? action, cut: true },
  ];
  return table(shown, data, paint, columns);
}

export const cancel = command({
  name: "cancel",
  summary: "cancel a flow; submitted tasks finish and are paid",
  usage: ["<flow>"],
  argCount: [1, 1],
  options: {},
  async run(context, { positionals: [id] }) {
    const canceled = await context.mjflow.flows.cancel(id!, { signal: context.signal });
    context.show(canceled, () => flowLines(canceled, context.paint, context.columns));
    return EXIT.ok;
  },
});

export const resume = command({
  name: "resume",
  summary: "resume a canceled flow and follow it",
  usage: ["<flow>"],
  argCount: [1, 1],
  options: WAIT_OPTIONS,
  async run(context, { values, positionals: [id] }) {
    parseTimeout(values.timeout);
    const resumed = await context.mjflow.flows.resume(id!, { signal: context.signal });
    if (values.wait !== false) return waitForFlow(context, id!, values);
    context.show(resumed, () => flowLines(resumed, context.paint, context.columns));
    return EXIT.ok;
  },
});

export const deleteFlow = command({
  name: "delete",
  summary: "delete an ended flow with its images",
  usage: ["<flow>"],
  argCount: [1, 1],
  options: {},
  async run(context, { positionals: [id] }) {
    await context.mjflow.flows.delete(id!, { signal: context.signal });
    context.show({ id, deleted: true }, () => [`${stripControlCharacters(id!)}  deleted`]);
    return EXIT.ok;
  },
});

/** `mjflow deliveries`, `replay`: webhook deliveries, and sending them again. `mjflow replays` is in replay.ts. */
import type { Delivery } from "@mjflow/client";
import { EVENT_TYPES } from "@mjflow/core/event";
import { command, type Option } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { PAGING_OPTIONS, parseChoice, parseTimeRange, TIME_RANGE_OPTIONS } from "../option.ts";
import { collect, moreLine, pageSize } from "../page.ts";
import { ago } from "../time.ts";
import { UsageError } from "../usage-error.ts";

const STATUSES = ["pending", "delivered", "failed", "parked"] as const;

const LIST = {
  endpoint: { type: "string", value: "ID", help: "only this webhook endpoint; `hook`: the notifyHooks of flows" },
  event: { type: "string", value: "TYPE", help: "only this event type", choices: EVENT_TYPES },
  flow: { type: "string", value: "ID", help: "only this flow" },
  status: { type: "string", value: "STATUS", help: "pending, delivered, failed or parked", choices: STATUSES },
  ...TIME_RANGE_OPTIONS,
  ...PAGING_OPTIONS,
} as const satisfies Record<string, Option>;

export const deliveries = command({
  name: "deliveries",
  summary: "list webhook deliveries, newest first",
  usage: ["[--status failed] [--endpoint ID]"],
  argCount: [0, 0],
  options: LIST,
  async run(context, { values }) {
    const { endpoint, flow } = values;
    const query = {
      limit: pageSize(values),
      event: parseChoice("--event", values.event, EVENT_TYPES),
      status: parseChoice("--status", values.status, STATUSES),
      ...(endpoint !== undefined && { endpoint }),
      ...(flow !== undefined && { flow }),
      ...parseTimeRange(context, values),
    };
    const page = await collect(context.mjflow.deliveries.list(query, { signal: context.signal }), values);
    context.show(page, () =>
      page.data.length === 0 ? ["No deliveries."] : [...rows(context, page.data), ...moreLine(page)],
    );
    return EXIT.ok;
  },
});

function rows({ paint, columns, platform }: Context, data: readonly Delivery[]): string[] {
  const shown: Column<Delivery>[] = [
    { name: "delivery", of: ({ id }) => id },
    { name: "event", of: ({ type }) => type },
    { name: "to", of: ({ endpoint }) => endpoint },
    { name: "status", of: ({ status }) => status },
    { name: "attempts", of: ({ tries }) => String(tries) },
    { name: "last", of: lastOf },
    { name: "happened", of: ({ happenedAt }) => ago(happenedAt, platform.now()) },
  ];
  return table(shown, data, paint, columns);
}

function lastOf({ attempts, failure }: Delivery): string {
  const last = attempts.at(-1);
  if (!last) return failure ?? "–";
  return last.status === undefined ? (last.why ?? "–") : `HTTP ${last.status}`;
}

export const replay = command({
  name: "replay",
  summary: "replay a delivery, or start a replay of the failed deliveries of an endpoint",
  usage: ["<delivery>", "<endpoint> [--since TIME] [--until TIME] [--all]"],
  argCount: [1, 1],
  options: { ...TIME_RANGE_OPTIONS, all: { type: "boolean", help: "also successful deliveries" } },
  async run(context, { values, positionals: [id] }) {
    const { mjflow, signal } = context;
    if (/^(ep_|hook$)/.test(id!)) {
      const input = { only: values.all ? "all" : "failed", ...parseTimeRange(context, values) } as const;
      const started = await mjflow.endpoints.replay(id!, input, { signal });
      context.show(started, () => [`${started.id} has started. See \`mjflow replays show ${started.id}\`.`]);
      return EXIT.ok;
    }
    if (values.since !== undefined || values.until !== undefined || values.all) {
      throw new UsageError("--since, --until and --all need an endpoint, not a delivery.", "replay");
    }
    const delivery = await mjflow.deliveries.replay(id!, { signal });
    context.show(delivery, () => [`${delivery.id}  ${delivery.status}`]);
    return EXIT.ok;
  },
});

/**
 * The environment of all baseline systems: the vendor, scheduler, processes, faults and seeds of `test/sim`, a table,
 * and an app that sends flows. A `System` runs in this environment: a design that a competent developer writes in a day
 * or two.
 */
import { resolvePress } from "@mjflow/core/button";
import { MjflowError } from "@mjflow/core/error";
import type { Provider, SubmitOutcome } from "@mjflow/core/port";
import { needsWrite, type Report } from "@mjflow/core/report";
import type { PlanInput } from "@mjflow/core/request";
import type { FaultProfile } from "../sim/fault-profile.ts";
import { createProcesses, type Wrap } from "../sim/process.ts";
import { createRng, type Rng } from "../sim/random.ts";
import { createScheduler, type Scheduler } from "../sim/scheduler.ts";
import { createVendor, type Vendor, type VendorTask } from "../sim/vendor.ts";

/** The row of a press or of the root. A system that pressed twice has several rows with one path. */
export interface Row {
  id: number;
  flow: string;
  path: string;
  status: "waiting" | "running" | "done" | "failed";
  /** Pressed button, and vendor task id of its parent; unset for the root. */
  customId?: string;
  parentId?: string;
  then: readonly PlanInput[];
  vendorTaskId?: string;
  createdAt: number;
}

/** A table like that of any database: a write of several rows is one transaction. */
export interface Table {
  save(...rows: Row[]): Promise<void>;
  open(): Promise<Row[]>;
  find(vendorTaskId: string): Promise<Row | undefined>;
}

/** The ports of a process of a system. Each call may be delayed or fail, or the process may crash during the call. */
export interface Ports {
  table: Table;
  vendor: Pick<Provider, "submit" | "press" | "modal" | "lookup">;
}

export interface BaselineEnvironment {
  scheduler: Scheduler;
  rng: Rng;
  /** Runs `body` as a process; `end` gets its result, or undefined if the process crashed or threw. */
  start<T>(name: string, body: (ports: Ports) => Promise<T>, end?: (result: T | undefined) => void): void;
  newRow(row: Omit<Row, "id" | "status" | "createdAt">): Row;
  /**
   * Creates the planned children of a finished row, each with its button. A child without a button has status `failed`.
   */
  childrenOf(parent: Row, report: Report): Row[];
  /** Submits the row to the vendor and answers a modal with the prompt of the plan. */
  submitRow(vendor: Ports["vendor"], row: Row): Promise<SubmitOutcome>;
}

export interface System {
  /** Handles a new flow; true means that the flow is accepted. */
  accept(ports: Ports, root: Row): Promise<true>;
  /** Handles a callback to the given URL; true means that the system accepted it as genuine. */
  callback?(ports: Ports, report: Report, token: string): Promise<boolean>;
  /** Runs every 15 seconds. */
  tick?: (ports: Ports) => Promise<void>;
  tickDied?: () => void;
}

export interface Outcome {
  accepted: string[];
  rows: Row[];
  vendor: Vendor;
  forgedAccepted: number;
}

const TICK_MS = 15_000;
const HORIZON_MS = 24 * 3_600_000;
const START = Date.UTC(2026, 10, 21);
export const HOOK = "the-address-we-gave";
export const ACCOUNT = { baseUrl: "http://v.test", apiKey: "k" };

export async function runSystem(
  make: (environment: BaselineEnvironment) => System,
  { seed, flows, profile }: { seed: number; flows: number; profile: FaultProfile },
): Promise<Outcome> {
  const rng = createRng(seed);
  const scheduler = createScheduler(START);
  const stored = new Map<number, Row>();
  const attempts = new Map<string, number>();
  const accepted: string[] = [];
  let rows = 0;
  let forgedAccepted = 0;

  const table: Table = {
    async save(...changed) {
      for (const row of changed) stored.set(row.id, { ...row });
    },
    open: async () =>
      [...stored.values()].filter((r) => r.status === "waiting" || r.status === "running").map((r) => ({ ...r })),
    async find(id) {
      const row = [...stored.values()].find((r) => r.vendorTaskId === id);
      return row && { ...row };
    },
  };

  const processes = createProcesses(scheduler, ({ call, when }) => {
    if (rng.chance(profile.crash)) return { kind: "die" };
    const delayMs = rng.int(1, 20);
    const refused = when === "before" ? profile.tableRefuses : profile.tableLies;
    if (call === "table.save" && rng.chance(refused))
      return { kind: "throw", delayMs, error: new MjflowError("overloaded") };
    return { kind: "go", delayMs };
  });

  function start<T>(name: string, body: (ports: Ports) => Promise<T>, end?: (result: T | undefined) => void): void {
    const portsOf = (wrap: Wrap): Ports => ({ table: wrap("table", table), vendor: wrap("vendor", vendor.provider) });
    processes.start(name, (wrap) => body(portsOf(wrap)), end);
  }

  function arrive(token: string, body: string, end: (isAccepted: boolean) => void): void {
    if (!system.callback) return;
    const report = vendor.provider.readCallback(body)!;
    start(
      "callback",
      (ports) => system.callback!(ports, report, token),
      (result) => end(result === true),
    );
  }

  const vendor = createVendor({
    scheduler,
    rng,
    profile,
    onAccepted() {},
    // The baseline systems do not use a list of recent tasks.
    searched: false,
    post: (token, body, task: VendorTask) =>
      arrive(token, body, (isAccepted) => {
        if (isAccepted && needsWrite(vendor.provider.readCallback(body)!)) task.confirmedAt ??= scheduler.now();
      }),
    forge: (token, body) =>
      arrive(token, body, (isAccepted) => {
        if (isAccepted) forgedAccepted++;
      }),
  });

  const newRow: BaselineEnvironment["newRow"] = (row) => ({
    ...row,
    id: rows++,
    status: "waiting",
    createdAt: scheduler.now(),
  });
  const environment: BaselineEnvironment = {
    scheduler,
    rng,
    start,
    newRow,
    childrenOf: ({ flow, path, then, vendorTaskId: parentId }, report) =>
      then.map((node, i) => {
        const found = resolvePress(String(node.press), report.result.buttons ?? []);
        const row = newRow({ flow, path: `${path}-${i}`, then: node.then ?? [], parentId });
        return found.ok ? { ...row, customId: found.button.customId } : { ...row, status: "failed" };
      }),
    async submitRow(to, row) {
      const key = `${row.flow}_${row.path}`;
      const attempt = (attempts.get(key) ?? 0) + 1;
      attempts.set(key, attempt);
      const context = {
        account: ACCOUNT,
        notifyHook: `https://naive.test/callbacks/${HOOK}`,
        state: `${key}_${attempt}`,
      };
      const { customId, parentId } = row;
      const outcome =
        customId === undefined
          ? await to.submit({ action: "imagine", prompt: "x", inputs: {} }, context)
          : await to.press({ vendorTaskId: parentId!, customId }, context);
      if (outcome.kind !== "modal") return outcome;
      const { vendorTaskId } = outcome;
      for (let i = 0; i < 3; i++) {
        const modalOutcome = await to.modal({ vendorTaskId, prompt: "more sky" }, context);
        if (modalOutcome.kind === "accepted" || modalOutcome.kind === "refused") return modalOutcome;
        await scheduler.pause(3_000);
      }
      return { kind: "accepted", vendorTaskId };
    },
  };
  const system = make(environment);

  for (let i = 0; i < flows; i++) {
    scheduler.at(rng.int(0, 60_000), () => {
      const flow = `s${seed}f${i}`;
      const root = newRow({ flow, path: "0", then: drawPlan(rng.int(0, 3), rng) });
      start(
        "api",
        (ports) => system.accept(ports, root),
        (ok) => ok && accepted.push(flow),
      );
    });
  }
  const tick = () => {
    start(
      "tick",
      async (ports) => {
        await system.tick!(ports);
        return true;
      },
      (ended) => ended ?? system.tickDied?.(),
    );
    scheduler.at(TICK_MS, tick);
  };
  if (system.tick) scheduler.at(TICK_MS, tick);

  const isOpen = ({ status }: Row) => status === "waiting" || status === "running";
  for (let until = START + 300_000; until <= START + HORIZON_MS; until += 300_000) {
    await scheduler.run(until);
    if (system.tick && ![...stored.values()].some(isOpen)) break;
  }
  return { accepted, rows: [...stored.values()], vendor, forgedAccepted };
}

/** Draws a plan at random, like the simulation of mjflow. */
function drawPlan(depth: number, rng: Rng): PlanInput[] {
  if (depth === 0) return [];
  const presses = ["U1", "U2", "V1", "V3", "reroll"].slice(0, rng.int(1, depth === 3 ? 2 : 4));
  return presses.map((press) => ({ press, prompt: "more sky", then: drawPlan(depth - 1, rng) }));
}

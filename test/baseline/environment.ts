/**
 * The ground all baselines stand on: the vendor, scheduler, processes, faults and seeds of `test/sim`, a table, and an app
 * that sends flows. What stands on it is one `System`: what a competent developer writes in a day or two.
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

/** One row: a press, or the root. A system may have several of one place, when it pressed twice. */
export interface Row {
  id: number;
  flow: string;
  path: string;
  status: "waiting" | "running" | "done" | "failed";
  /** What is pressed, and on what; the root has neither. */
  customId?: string;
  parentId?: string;
  then: readonly PlanInput[];
  vendorTaskId?: string;
  createdAt: number;
}

/** A table as any database is: writes of several rows are one transaction. */
export interface Table {
  save(...rows: Row[]): Promise<void>;
  open(): Promise<Row[]>;
  find(vendorTaskId: string): Promise<Row | undefined>;
}

/** What a process of a system is given; each call may be delayed, refused, or the process's last. */
export interface Ports {
  table: Table;
  vendor: Pick<Provider, "submit" | "press" | "modal" | "lookup">;
}

export interface BaselineEnvironment {
  scheduler: Scheduler;
  rng: Rng;
  /** Runs `body` as a process; `end` learns what it returned, or undefined when it died or threw. */
  start<T>(name: string, body: (ports: Ports) => Promise<T>, end?: (result: T | undefined) => void): void;
  newRow(row: Omit<Row, "id" | "status" | "createdAt">): Row;
  /** The children a finished row's plan asks for, each with the button it found; one without a button has failed. */
  childrenOf(parent: Row, report: Report): Row[];
  /** Asks the vendor to do it, an opened window answered from the plan. */
  place(vendor: Ports["vendor"], row: Row): Promise<SubmitOutcome>;
}

export interface System {
  /** A flow was sent. Answered true, it was accepted. */
  accept(ports: Ports, root: Row): Promise<true>;
  /** A callback arrived at the address that was given. Answered true, it was believed. */
  callback?(ports: Ports, report: Report, token: string): Promise<boolean>;
  /** Every 15 seconds. */
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

  function arrive(token: string, body: string, end: (believed: boolean) => void): void {
    if (!system.callback) return;
    const report = JSON.parse(body) as Report;
    start(
      "callback",
      (ports) => system.callback!(ports, report, token),
      (believed) => end(believed === true),
    );
  }

  const vendor = createVendor({
    scheduler,
    rng,
    profile,
    onAccepted() {},
    // None of them would know what to do with it.
    searched: false,
    post: (token, body, task: VendorTask) =>
      arrive(token, body, (believed) => {
        if (believed && needsWrite(JSON.parse(body) as Report)) task.confirmedAt ??= scheduler.now();
      }),
    forge: (token, body) =>
      arrive(token, body, (believed) => {
        if (believed) forgedAccepted++;
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
    async place(to, row) {
      const key = `${row.flow}_${row.path}`;
      const attempt = (attempts.get(key) ?? 0) + 1;
      attempts.set(key, attempt);
      const context = {
        account: ACCOUNT,
        notifyHook: `https://naive.test/callbacks/${HOOK}`,
        state: `${key}_${attempt}`,
      };
      const { customId, parentId } = row;
      const answer =
        customId === undefined
          ? await to.submit({ action: "imagine", prompt: "x", inputs: {} }, context)
          : await to.press({ vendorTaskId: parentId!, customId }, context);
      if (answer.kind !== "modal") return answer;
      const { vendorTaskId } = answer;
      for (let i = 0; i < 3; i++) {
        const again = await to.modal({ vendorTaskId, prompt: "more sky" }, context);
        if (again.kind === "accepted" || again.kind === "refused") return again;
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

/** As the simulated house draws them. */
function drawPlan(depth: number, rng: Rng): PlanInput[] {
  if (depth === 0) return [];
  const presses = ["U1", "U2", "V1", "V3", "reroll"].slice(0, rng.int(1, depth === 3 ? 2 : 4));
  return presses.map((press) => ({ press, prompt: "more sky", then: drawPlan(depth - 1, rng) }));
}

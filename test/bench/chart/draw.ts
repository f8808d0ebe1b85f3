/** Makes a chart and a table from the results of each benchmark. Pure: the same results make the same files. */
import type { BacklogFound, BacklogRow } from "../backlog.ts";
import { BARE, type BundlesFound } from "../bundles.ts";
import type { CallbacksFound, CallbacksRow } from "../callbacks.ts";
import type { CostFound } from "../cost.ts";
import type { FlowsFound, FlowsRow } from "../flows.ts";
import type { GrowthFound, GrowthRow } from "../growth.ts";
import type { NeighborsFound } from "../neighbors.ts";
import type { ProgressFound } from "../progress.ts";
import type { Head, Result } from "../result.ts";
import type { ServerFound } from "../server.ts";
import { barChart } from "./bar.ts";
import { lineChart } from "./line.ts";
import { figure, type Tone } from "./svg.ts";

export interface Drawn {
  svg?: string;
  markdown: string;
}

export interface Found {
  flows: Result<FlowsFound>;
  progress: Result<ProgressFound>;
  server: Result<ServerFound>;
  backlog: Result<BacklogFound>;
  callbacks: Result<CallbacksFound>;
  bundles: Result<BundlesFound>;
  growth: Result<GrowthFound>;
  cost: Result<CostFound>;
  neighbors: Result<NeighborsFound>;
}

/** Systems without a queue. They are the lower bound of what a durable system costs. */
const FLOORS: Partial<Record<FlowsRow["system"], true>> = { hono: true, "node-http": true };

/** Load average above which the page says that other processes were running. */
const BUSY = 0.7;

export const DRAW: { [name in keyof Found]: (found: Found[name]) => Drawn } = {
  flows(found) {
    const { rows, skipped } = found;
    const tone = ({ system }: FlowsRow): Tone =>
      system.startsWith("mjflow")
        ? "ours"
        : system in FLOORS
          ? "floor"
          : system === "bullmq-relaxed"
            ? "less"
            : "other";
    const bars = (of: (row: FlowsRow) => number) =>
      rows.map((row) => ({ label: row.title, value: of(row), tone: tone(row) }));
    const svg = barChart("Flows per second, and CPU time of a flow, of mjflow and its peers", [
      {
        title: `Flows per second, ${found.concurrency} concurrent (more is better)`,
        unit: "/s",
        bars: bars((row) => row.flowsPerS),
      },
      {
        title: "CPU time of a flow (less is better)",
        unit: "ms",
        bars: bars((row) => row.cpuMsPerFlow ?? 0),
      },
    ]);
    const share = (row: FlowsRow, cpuMs: number) =>
      row.cpuMsPerFlow === null ? "" : `${((cpuMs / row.cpuMsPerFlow) * 100).toFixed(0)} %`;
    const markdown = [
      ...table(
        [
          "",
          "flows/s",
          `times ${found.reference}`,
          "CPU ms per flow",
          `times ${found.reference}`,
          "callback to follow-up, one flow",
          "acknowledgement, one flow",
          "peak memory, MB",
          "CPU of the vendor",
          "of the driver",
          "processors of both",
        ],
        rows.map((row) => [
          row.system === "mjflow" ? `**${row.title}**` : row.title,
          figure(row.flowsPerS),
          row.flowsPerSTimes.toFixed(2),
          row.cpuMsPerFlow === null ? "" : figure(row.cpuMsPerFlow),
          row.cpuTimes === null ? "" : row.cpuTimes.toFixed(2),
          `${figure(row.followUpMs)} ms`,
          `${figure(row.ackMs)} ms`,
          row.peakMb === null ? "" : figure(row.peakMb),
          share(row, row.vendorCpuMs),
          share(row, row.driverCpuMs),
          row.loadCpus.toFixed(2),
        ]),
      ),
      "",
      ...skipped.map(({ title, why }) => `Not measured: ${title} (${why}).`),
      `Medians of ${found.rounds} rounds. Each has ${found.flows} flows after ${found.warmUpFlows} to warm up, and ${found.aloneFlows} flows one after the other, in ${found.slices} slices in turn. "Times" is the median of the ratios of the rounds. ${when(found)}`,
    ].join("\n");
    return { svg, markdown };
  },

  progress(found) {
    const markdown = [
      ...table(
        ["", "CPU µs per dropped callback", `times ${found.reference}`, "CPU µs of the vendor"],
        found.rows.map((row) => [
          row.system === "mjflow" ? `**${row.title}**` : row.title,
          figure(row.cpuUs),
          row.times.toFixed(2),
          figure(row.vendorUs),
        ]),
      ),
      "",
      `Medians of ${found.rounds} rounds: ${found.flows} flows with ${found.steps} steps for each image, less the same flows with 8, ${found.concurrency} flows at the same time. ${when(found)}`,
    ].join("\n");
    return { markdown };
  },

  server(found) {
    const markdown = [
      ...table(
        [
          "flows at the same time",
          "flows/s",
          "callback to follow-up: median",
          "p99",
          "CPU ms per flow",
          "processors used",
          "peak memory, MB",
        ],
        found.rows.map((row) => [
          String(row.concurrency),
          figure(row.flowsPerS),
          `${figure(row.p50Ms)} ms`,
          `${figure(row.p99Ms)} ms`,
          row.cpuMsPerFlow === null ? "" : figure(row.cpuMsPerFlow),
          row.cpus === null ? "" : figure(row.cpus),
          row.peakMb === null ? "" : figure(row.peakMb),
        ]),
      ),
      "",
      `A flow has five paid images and ${figure(found.callbacksPerFlow)} callbacks, and takes ${figure(found.diskKbPerFlow)} kB of the disk. ${when(found)}`,
    ].join("\n");
    return { markdown };
  },

  backlog(found) {
    const title: Record<BacklogRow["phase"], string> = {
      steady: `${found.steadyConcurrency} flows at the same time`,
      accepting: "the server accepts the backlog",
      draining: "the server drains it",
    };
    const perS = (count: number, seconds: number) => (count === 0 ? "" : figure(count / seconds));
    const markdown = [
      ...table(
        ["", "accepted/s", "ended/s", "CPU, s", "longest pause, ms", "health: median", "p99"],
        found.rows.map((row) => [
          title[row.phase],
          perS(row.accepted, row.seconds),
          perS(row.ended, row.seconds),
          row.cpuMs === null ? "" : figure(row.cpuMs / 1_000),
          figure(row.longestPauseMs),
          `${figure(row.healthP50Ms)} ms`,
          `${figure(row.healthP99Ms)} ms`,
        ]),
      ),
      "",
      `CPU of a flow: ${figure(found.steadyCpuMsPerFlow)} ms with ${found.steadyConcurrency} flows at the same time, ${figure(found.backlogCpuMsPerFlow)} ms in the backlog.`,
      `Resident set: ${found.memory.map(({ share, rssMb }) => `${figure(rssMb)} MB at ${share * 100} %`).join(", ")}; ${figure(found.acceptingRssMb)} MB at most while it accepts.`,
      `${found.flows} flows over ${found.connections} connections, after ${found.steadyFlows} flows of the comparison and ${found.warmUpFlows} to warm up. ${when(found)}`,
    ].join("\n");
    return { markdown };
  },

  callbacks(found) {
    const row = (kind: CallbacksRow["kind"]) => found.rows.find((candidate) => candidate.kind === kind)!;
    const pair = (ours: CallbacksRow, bare: CallbacksRow, of: (row: CallbacksRow) => number) => [
      { label: ours.title, value: of(ours), tone: "ours" as const },
      { label: bare.title, value: of(bare), tone: "other" as const },
    ];
    const [dropped, bare, recorded, put] = [row("dropped"), row("bare"), row("recorded"), row("put")];
    const svg = barChart("CPU time for each callback", [
      {
        title: "CPU for a progress callback (less is better)",
        unit: "ms",
        bars: pair(dropped, bare, ({ cpuMs }) => cpuMs),
      },
      {
        title: "CPU for a callback that is stored (less is better)",
        unit: "ms",
        bars: pair(recorded, put, ({ cpuMs }) => cpuMs),
      },
    ]);
    const markdown = [
      ...table(
        ["", "callbacks/s", "CPU ms per callback"],
        found.rows.map(({ title, perS, cpuMs }) => [title, figure(perS), figure(cpuMs)]),
      ),
      "",
      `Dropping takes ${times(dropped.cpuMs / bare.cpuMs)} the CPU of the bare receiver. Recording takes ${times(recorded.cpuMs / put.cpuMs)} the CPU of one bare put.`,
      `Medians of ${found.rounds} rounds, each with ${found.dropped} progress callbacks and ${found.ends} ends. ${when(found)}`,
    ].join("\n");
    return { svg, markdown };
  },

  bundles(found) {
    const bare = found.rows.find(({ name }) => name === BARE)!;
    const tone = (name: string): Tone => (name === BARE ? "other" : "ours");
    const panel = (title: string, unit: string, of: (row: (typeof found.rows)[number]) => number) => ({
      title,
      unit,
      bars: found.rows.map((row) => ({
        label: row.name,
        value: of(row),
        tone: tone(row.name),
        ...(row !== bare && { note: `(${(of(row) / of(bare)).toFixed(2)}x)` }),
      })),
    });
    const svg = barChart("Size that a cold start of each function reads, and the CPU of its import", [
      panel("Size that a cold start reads, minified (less is better)", "kB", ({ eagerBytes }) => eagerBytes / 1_000),
      panel("CPU of the import in a new process (less is better)", "ms", ({ importCpuMs }) => importCpuMs),
    ]);
    const markdown = [
      ...table(
        [
          "",
          "read at a cold start, kB",
          "gzipped, kB",
          "whole bundle, kB",
          "import, ms",
          "import, ms of CPU",
          "CPU / baseline",
        ],
        found.rows.map((row) => [
          row.name,
          figure(row.eagerBytes / 1_000),
          figure(row.eagerGzip / 1_000),
          figure(row.bytes / 1_000),
          figure(row.importMs),
          figure(row.importCpuMs),
          row === bare ? "" : `${(row.importCpuMs / bare.importCpuMs).toFixed(2)}x`,
        ]),
      ),
      "",
      ...table(
        ["first request of a new process", "import and response, ms", "ms of CPU", "CPU / baseline"],
        found.calls.map((row, i) => [
          row.name,
          figure(row.ms),
          figure(row.cpuMs),
          i === 0 ? "" : `${(row.cpuMs / found.calls[0]!.cpuMs).toFixed(2)}x`,
        ]),
      ),
      "",
      `Medians of ${found.rounds} imports and ${found.rounds} first requests, each in its own process. ${when(found)}`,
    ].join("\n");
    return { svg, markdown };
  },

  growth(found) {
    const sizes = found.tables.map(({ flows }) => flows);
    const of = (row: GrowthRow["operation"], size: number) =>
      found.rows.find(({ operation, flows }) => operation === row && flows === size)!;
    const operations = [...new Set(found.rows.map(({ operation }) => operation))];
    const svg = lineChart("Duration of each operation by number of flows in the table", {
      title: "Median duration of each operation, one at a time",
      unit: "ms",
      sizes,
      lines: operations.map((operation) => ({
        label: operation,
        values: sizes.map((size) => of(operation, size).p50Ms),
      })),
    });
    const requestsOf = (operation: GrowthRow["operation"], unit: "requests" | "readUnits" | "writeUnits") => {
      const values = sizes.map((size) => figure(of(operation, size)[unit]));
      return [...new Set(values)].join(" → ");
    };
    const markdown = [
      ...table(
        [
          "",
          "requests",
          "read units",
          "write units",
          ...sizes.map((size) => `${size.toLocaleString("en")} flows: median (p99)`),
        ],
        operations.map((operation) => [
          operation,
          requestsOf(operation, "requests"),
          requestsOf(operation, "readUnits"),
          requestsOf(operation, "writeUnits"),
          ...sizes.map((size) => `${figure(of(operation, size).p50Ms)} ms (${figure(of(operation, size).p99Ms)})`),
        ]),
      ),
      "",
      `Six rows per flow. ${found.tables.map(({ flows, tableMb, loadS }) => `${flows.toLocaleString("en")} flows: ${figure(tableMb)} MB, loaded in ${figure(loadS)} s`).join("; ")}.`,
      `${found.rounds} rounds with ${found.times} runs of each operation. ${when(found)}`,
    ].join("\n");
    return { svg, markdown };
  },

  cost(found) {
    const kinds = found.prices[0]!.lines.map(({ what }) => what);
    const usd = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
    const assumed = new Set(
      found.prices.flatMap(({ lines }) =>
        lines.flatMap(({ what, assumes }) => (assumes ? [`${what}: ${assumes}`] : [])),
      ),
    );
    // The same in each row with archived images.
    const bucket = new Set(
      found.prices
        .flatMap(({ lines }) => lines.filter(({ what }) => what.startsWith("bucket")))
        .map(({ what, usdPerMillion }) => `${what.slice("bucket: ".length)} $${usd(usdPerMillion)}`),
    );
    const markdown = [
      ...table(
        ["USD per million flows", "vendor responds after", "**all in**", ...kinds],
        found.prices.map(({ title, answerMs, usdPerMillion, lines }) => [
          title,
          `${answerMs / 1_000} s`,
          `**${usd(usdPerMillion)}**`,
          ...kinds.map((kind) => usd(lines.find(({ what }) => what === kind)!.usdPerMillion)),
        ]),
      ),
      "",
      `Each row with archived images also has the bucket: ${[...bucket].join(", ")}.`,
      "",
      "Assumed, not counted:",
      "",
      ...[...assumed].sort().map((each) => `- ${each}`),
      "",
      ...table(
        [
          "counted per flow",
          "write units",
          "of refused writes",
          "of the due index",
          "of listings",
          "read units",
          "queue sends",
          "batches",
          "posts",
          "log bytes",
        ],
        found.counts.map((row) => [
          row.title,
          figure(row.writeUnits),
          figure(row.refusedWriteUnits),
          figure(row.dueWriteUnits),
          figure(row.listWriteUnits),
          figure(row.readUnits),
          figure(row.queueSends),
          figure(row.batches),
          figure(row.posts),
          figure(row.logBytes),
        ]),
      ),
      "",
      `List prices of ${found.region}, ${found.priced}. ${found.flows} flows of each kind counted, one after the other, with 50 callbacks each; ${found.date}.`,
    ].join("\n");
    return { markdown };
  },

  neighbors(found) {
    const markdown = [
      ...table(
        ["neighbor", "median", "longest", "times the undisturbed median"],
        found.rows.map(({ scenario, medianMs, longestMs, ratio }) => [
          scenario,
          `${figure(medianMs)} ms`,
          `${figure(longestMs)} ms`,
          figure(ratio),
        ]),
      ),
      "",
      `${found.rounds} rounds with ${found.flows} flows of the app and ${found.hungFlows} of its neighbor. ${when(found)}`,
    ].join("\n");
    return { markdown };
  },
};

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)];
}

function times(ratio: number): string {
  return `${figure(Number(ratio.toFixed(2)))} times`;
}

/** @param disturbed reasons why the machine was not quiet; unset: the benchmark checks only the load */
function when(head: Head & { disturbed?: readonly string[] }): string {
  const { date, cpus, cpuModel, node, commit, load } = head;
  const reasons = head.disturbed ?? (load > BUSY ? ["other processes were running"] : []);
  const facts = [
    `Measured on ${date}`,
    ...(commit === undefined ? [] : [`commit ${commit}`]),
    `${cpus} CPUs${cpuModel === undefined ? "" : ` (${cpuModel})`}`,
    `Node ${node}`,
    `load ${figure(load)} before the start`,
  ];
  return `${facts.join(", ")}.${reasons.length > 0 ? ` The machine was **not quiet**: ${reasons.join("; ")}.` : ""}`;
}

/** Runs in its own process, because a process can have only one local server and CPU time is counted per process. */
import { randomUUID } from "node:crypto";
import { TABLE } from "@mjflow/local/provision";
import { answer } from "../child.ts";
import { eventOf, type Handler, startBenchEnvironment } from "../environment/environment.ts";
import { PROGRESS, SUCCESS } from "../environment/report.ts";
import { inMemory, onePut } from "./bare.ts";

export interface Options {
  rounds: number;
  /** Numbers of callbacks of each kind per round. `ends` is a multiple of four, because a flow has four upscales. */
  dropped: number;
  ends: number;
}

/** Measurement of one kind in one round. */
export interface Sample {
  perS: number;
  /**
   * CPU time of the function's process per callback, minus the idle CPU time of the local server; without the table.
   */
  cpuMs: number;
}

export type Kind = "dropped" | "bare" | "recorded" | "put";
export interface Answer {
  samples: Record<Kind, Sample[]>;
}

const CONCURRENCY = 8;
/** Number of progress callbacks with one token. */
const PROGRESS_PER_TASK = 9;
const IDLE_MS = 3_000;
/** Number of callbacks before the measurement, in which code is compiled and connections are opened. */
const WARM_UP = 400;

await answer(async ({ rounds, dropped, ends }: Options) => {
  const environment = await startBenchEnvironment();
  const bare = inMemory();
  const put = onePut(environment.client, TABLE);
  const anyToken = () => `/callbacks/${randomUUID()}`;
  const post = (path: string, body: string) => eventOf({ method: "POST", path, body });

  const kinds: Record<Kind, (count: number) => Promise<Sample>> = {
    async dropped(count) {
      const paths = await environment.upscaling(Math.ceil(count / PROGRESS_PER_TASK / 4));
      return timed(
        environment.callback,
        Array.from({ length: count }, (_, i) => post(paths[Math.floor(i / PROGRESS_PER_TASK)]!, PROGRESS)),
      );
    },
    bare: (count) =>
      timed(
        bare,
        Array.from({ length: count }, () => post(anyToken(), PROGRESS)),
      ),
    async recorded(count) {
      const paths = await environment.upscaling(count / 4);
      return timed(
        environment.callback,
        paths.map((path) => post(path, SUCCESS)),
      );
    },
    put: (count) =>
      timed(
        put,
        Array.from({ length: count }, () => post(anyToken(), SUCCESS)),
      ),
  };
  const counts: Record<Kind, number> = { dropped, bare: dropped, recorded: ends, put: ends };
  const names = Object.keys(kinds) as Kind[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Answer["samples"];
  for (const name of names) await kinds[name](Math.min(WARM_UP, counts[name]));
  const idle = await idleShare();
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples[name].push(less(idle, await kinds[name](counts[name])));
  }
  return { ready: { samples } satisfies Answer, stop: () => environment.stop() };
});

/** Share of a CPU that the idle local server uses, because its pollers read the queues all the time. */
async function idleShare(): Promise<number> {
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1_000 / IDLE_MS;
}

function less(idle: number, { perS, cpuMs }: Sample): Sample {
  return { perS, cpuMs: cpuMs - (idle * 1_000) / perS };
}

async function timed(handler: Handler, events: readonly Parameters<Handler>[0][]): Promise<Sample> {
  let next = 0;
  const sendNext = async () => {
    while (next < events.length) {
      const { statusCode } = await handler(events[next++]!);
      if (statusCode !== 200) throw new Error(`A callback got the status ${statusCode}`);
    }
  };
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, sendNext));
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perS: events.length / seconds, cpuMs: (user + system) / 1_000 / events.length };
}

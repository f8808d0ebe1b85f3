/** In a process of its own: the ground is once per process, and CPU time is counted per process. */
import { randomUUID } from "node:crypto";
import { TABLE } from "@mjflow/local/provision";
import { answer } from "../child.ts";
import { eventOf, type Handler, startBenchEnvironment } from "../environment/environment.ts";
import { PROGRESS, SUCCESS } from "../environment/report.ts";
import { inMemory, onePut } from "./bare.ts";

export interface Options {
  rounds: number;
  /** Of each kind in each round; ends in fours, for a flow has four upscales. */
  dropped: number;
  ends: number;
}

/** One kind in one round. */
export interface Sample {
  perS: number;
  /** Of the function's process, less what the house takes when nobody asks anything of it; the table's is not in it. */
  cpuMs: number;
}

export type Kind = "dropped" | "bare" | "recorded" | "put";
export interface Answer {
  samples: Record<Kind, Sample[]>;
}

const TOGETHER = 8;
/** Posts of progress that bear one token. */
const A_TASK = 9;
const IDLE_MS = 3_000;
/** Not measured: code is compiled, connections are opened. */
const WARM = 400;

await answer(async ({ rounds, dropped, ends }: Options) => {
  const environment = await startBenchEnvironment();
  const bare = inMemory();
  const put = onePut(environment.client, TABLE);
  const anyToken = () => `/callbacks/${randomUUID()}`;
  const post = (path: string, body: string) => eventOf({ method: "POST", path, body });

  const kinds: Record<Kind, (count: number) => Promise<Sample>> = {
    async dropped(count) {
      const paths = await environment.upscaling(Math.ceil(count / A_TASK / 4));
      return timed(
        environment.callback,
        Array.from({ length: count }, (_, i) => post(paths[Math.floor(i / A_TASK)]!, PROGRESS)),
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
  for (const name of names) await kinds[name](Math.min(WARM, counts[name]));
  const idle = await idleShare();
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples[name].push(less(idle, await kinds[name](counts[name])));
  }
  return { ready: { samples } satisfies Answer, stop: () => environment.stop() };
});

/** CPU time by time: the house's pollers ask its queues all the while. */
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
  const one = async () => {
    while (next < events.length) {
      const { statusCode } = await handler(events[next++]!);
      if (statusCode !== 200) throw new Error(`a callback was answered ${statusCode}`);
    }
  };
  const cpu = process.cpuUsage();
  const begun = performance.now();
  await Promise.all(Array.from({ length: TOGETHER }, one));
  const seconds = (performance.now() - begun) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perS: events.length / seconds, cpuMs: (user + system) / 1_000 / events.length };
}

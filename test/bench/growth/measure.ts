/** Measures each operation, one at a time, on one table with its own history. Each table has its own process. */
import { statSync } from "node:fs";
import { answer } from "../child.ts";
import { type BenchEnvironment, eventOf, startBenchEnvironment } from "../environment/environment.ts";
import { historicFlowId } from "../environment/history.ts";
import { SUCCESS } from "../environment/report.ts";
import { metered, meterTable, type RequestCount } from "./meter.ts";

export interface Options {
  flows: number;
}
export interface Ready {
  loadS: number;
  tableMb: number;
}
export interface Question {
  times: number;
}
export const OPERATIONS = ["create", "callback", "get", "list", "sweep"] as const;
export type Operation = (typeof OPERATIONS)[number];
export type Sample = RequestCount & { ms: number };
export type Answer = Record<Operation, Sample[]>;

await answer(async ({ flows }: Options) => {
  meterTable();
  const environment = await startBenchEnvironment(flows);
  const ready: Ready = { loadS: environment.loadS, tableMb: statSync(environment.tableFile).size / 2 ** 20 };
  return {
    ready,
    ask: ({ times }: Question) => measure(environment, flows, times),
    stop: () => environment.stop(),
  } as never;
});

async function measure(environment: BenchEnvironment, flows: number, times: number): Promise<Answer> {
  const { api, callback, sweep, server: localServer } = environment;
  const headers = { authorization: `Bearer ${localServer.apiKey}` };
  const plan = { provider: "simulator", prompt: "a paper boat on calm water", then: [{ press: "upscale:all" }] };
  const paths = await environment.upscaling(Math.ceil(times / 4));
  const work: Record<Operation, (i: number) => Promise<unknown>> = {
    list: () => expectStatus(200, api(eventOf({ method: "GET", path: "/v1/flows", query: "limit=20", headers }))),
    async get() {
      const path = `/v1/flows/${historicFlowId(Math.floor(Math.random() * flows))}`;
      await expectStatus(200, api(eventOf({ method: "GET", path, headers })));
    },
    sweep,
    callback: (i) => expectStatus(200, callback(eventOf({ method: "POST", path: paths[i]!, body: SUCCESS }))),
    create: () =>
      expectStatus(202, api(eventOf({ method: "POST", path: "/v1/flows", headers, body: JSON.stringify(plan) }))),
  };
  const samples = {} as Answer;
  const before = localServer.simulator.ledger().counts.submissions;
  for (const operation of Object.keys(work) as Operation[]) {
    samples[operation] = [];
    for (let i = 0; i < times; i++) samples[operation].push(await sample(() => work[operation](i)));
  }
  // The worker finishes the created flows before the next measurement.
  await localServer.simulator.waitFor(({ counts }) => counts.submissions >= before + times, 60_000);
  return samples;
}

async function sample(work: () => Promise<unknown>): Promise<Sample> {
  const startedAt = performance.now();
  const count = await metered(work);
  return { ...count, ms: performance.now() - startedAt };
}

async function expectStatus(status: number, response: Promise<{ statusCode: number; body: string }>): Promise<void> {
  const { statusCode, body } = await response;
  if (statusCode !== status) throw new Error(`Expected status ${status}, got ${statusCode}: ${body}`);
}

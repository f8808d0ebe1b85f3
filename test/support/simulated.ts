/**
 * The whole service in memory with a simulated vendor over HTTP: real provider adapters, the real engine, and callbacks
 * that arrive through a receiver on 127.0.0.1. One clock drives both sides, so nothing waits in real time.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Flow } from "@mjflow/core/flow";
import type { FlowRequest } from "@mjflow/core/request";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { createHttpClient } from "@mjflow/providers/http-client";
import { createProviders } from "@mjflow/providers/registry";
import { manualClock, type ProviderId, type Scenario, startSimulator } from "@mjflow/simulator/server";
import { createTestHarness, HARNESS_START, TOKEN_KEY } from "./harness.ts";

export type Simulated = Awaited<ReturnType<typeof startSimulated>>;

export async function startSimulated(provider: ProviderId, scenario: Scenario = {}) {
  const clock = manualClock(HARNESS_START);
  const simulator = await startSimulator({ clock, seed: 5, scenarios: { [provider]: scenario } });
  const account = { baseUrl: simulator.baseUrl(provider), apiKey: "key" };
  const registry = createProviders({ [provider]: account }, { httpClient: createHttpClient() });
  const harness = createTestHarness({ registry });

  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    await harness.postRaw(request.url!.split("/callbacks/")[1]!, Buffer.concat(chunks).toString());
    response.writeHead(200).end();
  });
  await new Promise<void>((ready) => receiver.listen(0, "127.0.0.1", ready));
  const callbackUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  harness.deps.callbackTokens = createCallbackTokens({ keys: [TOKEN_KEY], callbackUrl });

  /** Resolves when the newest callback of every task was answered. A task sends its callbacks in order. */
  const callbacksAnswered = () =>
    simulator.waitFor(({ submissions, callbacks }) =>
      submissions.every(({ taskId }) => {
        const task = simulator.task(taskId ?? "");
        if (!task?.notifyHook || task.status === "NOT_START" || task.status === "MODAL") return true;
        const { status, progress } = task;
        const newest = callbacks.filter((post) => post.status === status && post.progress === progress);
        return newest.some((post) => post.taskId === taskId && post.fault !== "image-after-success");
      }),
    );

  /** Lets time pass for mjflow and the vendor, with a sweep and a drain after each step. */
  async function pass(ms: number, stepMs = 5_000): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      harness.advance(Math.min(left, stepMs));
      clock.advance(Math.min(left, stepMs));
      await callbacksAnswered();
      await harness.drain();
      await harness.sweep();
      await harness.drain();
    }
  }

  return {
    simulator,
    harness,
    pass,
    /** Starts a flow and submits its root. */
    async start(request: Partial<FlowRequest> = {}): Promise<Flow> {
      const flow = await harness.start({ provider, ...request });
      await harness.drain();
      return flow;
    },
    async task(flow: Flow, path = "0") {
      return (await harness.read(flow)).tasks.get(path)!;
    },
    async stop(): Promise<void> {
      await simulator.stop();
      receiver.closeAllConnections();
      receiver.close();
    },
  };
}

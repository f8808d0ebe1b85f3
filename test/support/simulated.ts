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

/** @param others further vendors with an account each, in their default behavior */
export async function startSimulated(provider: ProviderId, scenario: Scenario = {}, ...others: ProviderId[]) {
  const clock = manualClock(HARNESS_START);
  const simulator = await startSimulator({ clock, seed: 5, scenarios: { [provider]: scenario } });
  const accounts = [provider, ...others].map((id) => [id, { baseUrl: simulator.baseUrl(id), apiKey: "key" }]);
  const registry = createProviders(Object.fromEntries(accounts), { httpClient: createHttpClient() });
  const harness = createTestHarness({ registry });

  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    // A provider may add a query to the address; the token is the last segment of the path.
    const token = /\/callbacks\/([^/?]+)/.exec(request.url!)![1]!;
    await harness.postRaw(token, Buffer.concat(chunks).toString());
    response.writeHead(200).end();
  });
  await new Promise<void>((ready) => receiver.listen(0, "127.0.0.1", ready));
  const callbackUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  harness.deps.callbackTokens = createCallbackTokens({ keys: [TOKEN_KEY], callbackUrl });

  /** Lets time pass for mjflow and the vendor, with a sweep and a drain after each step. */
  async function pass(ms: number, stepMs = 5_000): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      harness.advance(Math.min(left, stepMs));
      clock.advance(Math.min(left, stepMs));
      await simulator.callbacksAnswered();
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

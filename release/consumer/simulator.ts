/** A strict program that uses only the installed simulator: it injects a fault and counts callbacks. Prints one line of JSON. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Ledger, PROVIDER_IDS, type Simulator, startSimulator } from "@mjflow/simulator";

const simulator: Simulator = await startSimulator({ seed: 7, speed: 0.05 });
const fault = simulator.arm({ kind: "copy-callback", status: "SUCCESS", copies: 3 });
// @ts-expect-error a count is not a text
const wrong: string = fault.fired;
void wrong;

let ends = 0;
let resolveEnds: () => void = () => {};
const ended = new Promise<void>((resolve) => {
  resolveEnds = resolve;
});
const receiver = createServer((request, response) => {
  let text = "";
  request.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  request.on("end", () => {
    response.writeHead(200).end();
    if ((JSON.parse(text) as { status?: string }).status === "SUCCESS") ends++;
    if (ends === 4) resolveEnds();
  });
});
await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
const notifyHook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
await fetch(`${simulator.baseUrl("simulator")}/mj/submit/imagine`, {
  method: "POST",
  body: JSON.stringify({ prompt: "a paper boat", notifyHook }),
});
await ended;
const ledger: Ledger = simulator.ledger();
console.log(JSON.stringify({ vendors: PROVIDER_IDS.length, tasks: ledger.counts.tasks, ends, fired: fault.fired }));
receiver.close();
receiver.closeAllConnections();
await simulator.stop();

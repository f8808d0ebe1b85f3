import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { startDriver } from "./driver.ts";
import { DOUBLED_EVERY, startVendor, TASKS } from "./vendor.ts";

const CLOSERS: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of CLOSERS.splice(0).reverse()) await close();
});

interface Callback {
  flow: string;
  path: string;
  id: string;
  status: string;
  progress: string;
  /** True if the body names the URL that the callback went to. */
  namesItsUrl: boolean;
}

/** The smallest system: no store, no check. `presses` are those of each flow's root. */
async function startSystem(vendorUrl: string, presses = ["U1", "U2", "U3", "U4"]) {
  const callbacks: Callback[] = [];
  const ended = new Map<string, Set<string>>();
  let flows = 0;
  const submit = (path: string, body: object) =>
    fetch(`${vendorUrl}/mj/submit/${path}`, { method: "POST", body: JSON.stringify(body) });
  const system: Server = createServer(async (request, response) => {
    const [, , flow = "", path = ""] = request.url!.split("/");
    if (request.method === "GET") {
      return respond(response, 200, { status: ended.get(path)!.size === TASKS ? "completed" : "running" });
    }
    const body = JSON.parse(await textOf(request));
    if (flow === "flows") {
      const id = `flow_${++flows}`;
      ended.set(id, new Set());
      respond(response, 202, { id });
      return void submit("imagine", { prompt: body.prompt, notifyHook: `${url}/callbacks/${id}/0` });
    }
    const namesItsUrl = body.properties.notifyHook === url + request.url;
    callbacks.push({ flow, path, id: body.id, status: body.status, progress: body.progress, namesItsUrl });
    respond(response, 200, {});
    if (body.status !== "SUCCESS" || ended.get(flow)!.has(path)) return undefined;
    ended.get(flow)!.add(path);
    if (path !== "0") return undefined;
    for (const [i, press] of presses.entries()) {
      const { customId } = body.buttons.find(({ label }: { label: string }) => label === press);
      void submit("action", { taskId: body.id, customId, notifyHook: `${url}/callbacks/${flow}/0-${i}` });
    }
    return undefined;
  });
  await new Promise<void>((done) => system.listen(0, "127.0.0.1", done));
  CLOSERS.push(() => {
    system.close();
    system.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(system.address() as AddressInfo).port}`;
  return { ready: { url, key: "key" }, callbacks };
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await request.toArray()).toString();
}

async function startAll(presses?: string[]) {
  const driver = await startDriver();
  const done = connect(driver.donePort, "127.0.0.1");
  const vendor = await startVendor((flow) => done.write(`${flow}\n`));
  CLOSERS.push(driver.stop, () => done.destroy(), vendor.stop);
  const system = await startSystem(vendor.url, presses);
  return { driver, vendor, system };
}

test("the driver runs each flow once to its end, and waits until the system says that it is complete", async () => {
  const { driver, vendor, system } = await startAll();
  const ran = await driver.drive({ ...system.ready, flows: 5, concurrency: 2 });
  await driver.complete(system.ready);
  expect(ran).toMatchObject({ flows: 5 });
  const report = vendor.report();
  expect(report).toMatchObject({ paid: Array(5).fill(TASKS), duplicatePresses: 0, otherRequests: 0 });
  expect(report.followUpMs).toHaveLength(5 * (TASKS - 1));
  expect(report.ackMs).toHaveLength(5 * TASKS);
  expect(vendor.report()).toMatchObject({ paid: [], callbacks: 0, followUpMs: [], ackMs: [] });
});

test("the vendor sends SUBMITTED, eight steps of progress and SUCCESS in order, and each twentieth SUCCESS twice", async () => {
  const { driver, vendor, system } = await startAll();
  const flows = 8;
  await driver.drive({ ...system.ready, flows, concurrency: 3 });
  const ends = flows * TASKS;
  const statuses = Map.groupBy(system.callbacks, ({ id }) => id);
  const expected = ["0%", "11%", "22%", "33%", "44%", "55%", "66%", "77%", "88%", "100%"];
  const doubled = [...statuses.values()].filter(({ length }) => length > expected.length);
  for (const all of statuses.values()) {
    const sent = all.map(({ progress }) => progress);
    expect(sent).toEqual(doubled.includes(all) ? [...expected, "100%"] : expected);
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(["SUBMITTED", "IN_PROGRESS", "SUCCESS"]));
  }
  expect(system.callbacks.filter(({ namesItsUrl }) => !namesItsUrl)).toEqual([]);
  expect([statuses.size, doubled.length]).toEqual([ends, ends / DOUBLED_EVERY]);
  expect(vendor.report()).toMatchObject({ callbacks: ends * 10 + doubled.length, doubled: doubled.length });
});

test("the vendor sends as many steps of progress as it is asked for", async () => {
  const { driver, vendor, system } = await startAll();
  vendor.setSteps(3);
  await driver.drive({ ...system.ready, flows: 1, concurrency: 1 });
  const sent = system.callbacks.filter(({ path }) => path === "0").map(({ progress }) => progress);
  expect(sent).toEqual(["0%", "24%", "49%", "74%", "100%"]);
  expect(vendor.report()).toMatchObject({ callbacks: TASKS * 5, doubled: 0 });
});

test("the vendor counts a button that is pressed twice, and the paid image", async () => {
  const { driver, vendor, system } = await startAll(["U1", "U2", "U2", "U3"]);
  await driver.drive({ ...system.ready, flows: 2, concurrency: 1 });
  expect(vendor.report()).toMatchObject({ duplicatePresses: 2, paid: [TASKS, TASKS] });
});

test("a callback with a status outside 2xx is an error", async () => {
  const refused = createServer((_, response) => respond(response, 503, {}));
  await new Promise<void>((done) => refused.listen(0, "127.0.0.1", done));
  const failed = Promise.withResolvers<Error>();
  const vendor = await startVendor(() => {}, failed.resolve);
  CLOSERS.push(() => refused.close(), vendor.stop);
  const notifyHook = `http://127.0.0.1:${(refused.address() as AddressInfo).port}/callbacks/1`;
  const body = JSON.stringify({ prompt: "number 1", notifyHook });
  await fetch(`${vendor.url}/mj/submit/imagine`, { method: "POST", body });
  expect((await failed.promise).message).toBe("A callback got the status 503");
});

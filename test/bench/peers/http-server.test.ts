import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { BODY_BYTES, type Report, type TaskRef } from "./engine.ts";
import { serveHttp } from "./http-server.ts";

const TASK: TaskRef = { flowId: "flow_1", path: "0" };
const BUTTONS = [{ label: "U1", customId: "MJ::1" }];

async function startPeer({ storesProgress = false, fails = false } = {}) {
  const ends: [TaskRef, Report][] = [];
  const steps: string[] = [];
  const routes = await serveHttp(() => ({
    create: async () => {},
    ended: async (task, report) => {
      if (fails) throw new Error("The disk is full");
      ends.push([task, report]);
    },
    ...(storesProgress && {
      progress: async (_: TaskRef, progress: string) => {
        steps.push(progress);
      },
    }),
    status: async (flowId) => (flowId === TASK.flowId ? "running" : undefined),
  }));
  onTestFinished(() => routes.stop());
  const post = async (body: string, url = routes.callbackUrl(TASK)) =>
    (await fetch(url, { method: "POST", body })).status;
  return { routes, ends, steps, post };
}

const report = (status: string, more: object = {}) => JSON.stringify({ id: "7", status, progress: "31%", ...more });

test("a step of progress is dropped, and an end reaches the engine each time that it is reported", async () => {
  const { ends, post } = await startPeer();
  expect(await post(report("IN_PROGRESS"))).toBe(200);
  expect(ends).toEqual([]);
  const end = [TASK, { vendorTaskId: "7", isSuccess: true, buttons: BUTTONS }];
  for (const _ of [1, 2]) expect(await post(report("SUCCESS", { buttons: BUTTONS }))).toBe(200);
  expect(ends).toEqual([end, end]);
  expect(await post(report("FAILURE"))).toBe(200);
  expect(ends[2]).toEqual([TASK, { vendorTaskId: "7", isSuccess: false, buttons: [] }]);
});

test("a step of progress whose prompt has the word of an end is no end", async () => {
  const { ends, post } = await startPeer();
  expect(await post(report("IN_PROGRESS", { prompt: "SUCCESS" }))).toBe(200);
  expect(ends).toEqual([]);
});

test("each step of progress is stored before its response where the row says so", async () => {
  const { steps, post } = await startPeer({ storesProgress: true });
  expect(await post(report("IN_PROGRESS"))).toBe(200);
  expect(steps).toEqual(["31%"]);
});

test("a callback with a token of another task is refused, also a dropped one, and after a good one", async () => {
  const { routes, ends, post } = await startPeer();
  expect(await post(report("IN_PROGRESS"))).toBe(200);
  const other = routes.callbackUrl(TASK).replace("flow_1", "flow_2");
  for (const status of ["IN_PROGRESS", "SUCCESS"]) expect(await post(report(status), other)).toBe(401);
  expect(ends).toEqual([]);
});

test("an end that could not be stored is not acknowledged", async () => {
  const { post } = await startPeer({ fails: true });
  expect(await post(report("SUCCESS"))).toBe(503);
});

test("a body that comes in pieces is read whole, and one above the limit is refused", async () => {
  const { routes, ends, post } = await startPeer();
  const { hostname, port, pathname } = new URL(routes.callbackUrl(TASK));
  const body = report("SUCCESS");
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  const responded = new Promise<string>((resolve) => socket.once("data", (chunk) => resolve(chunk.toString())));
  socket.write(`POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${body.length}\r\n\r\n`, () =>
    socket.write(body.slice(0, 5), () => setImmediate(() => socket.write(body.slice(5)))),
  );
  expect(await responded).toMatch(/^HTTP\/1.1 200 /);
  expect(ends).toHaveLength(1);
  const large = post("x".repeat(BODY_BYTES + 1)).catch(() => "closed");
  expect([413, "closed"]).toContain(await large);
});

test("only the owner of the key creates and reads flows", async () => {
  const { routes } = await startPeer();
  const authorization = `Bearer ${routes.key}`;
  const body = JSON.stringify({ prompt: "a boat", then: [{ press: ["U1"] }] });
  const create = async (headers: Record<string, string>) =>
    (await fetch(`${routes.url}/v1/flows`, { method: "POST", body, headers })).status;
  const read = async (id: string, headers: Record<string, string>) =>
    (await fetch(`${routes.url}/v1/flows/${id}`, { headers })).status;
  expect([await create({ authorization }), await create({ authorization: "Bearer x" })]).toEqual([202, 401]);
  expect([await read("flow_1", { authorization }), await read("flow_9", { authorization })]).toEqual([200, 404]);
  expect(await read("flow_1", {})).toBe(401);
});

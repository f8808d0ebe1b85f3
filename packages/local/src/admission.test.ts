import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { type AdmissionOptions, createAdmission } from "./admission.ts";

interface Sent {
  caller?: string;
  url?: string;
  prefer?: string;
  complete?: boolean;
  method?: string;
  socket?: { destroyed: boolean };
}

/** Requests of an admission on a clock that stands still. `ended` ends one request that runs. */
function open(options: Partial<AdmissionOptions> = {}) {
  let nowMs = 0;
  const admission = createAdmission({ turnMs: 10, running: 4, waiting: 100, now: () => nowMs, ...options });
  const started: string[] = [];
  const refused: { name: string; status: number; headers: Record<string, string>; body: string }[] = [];
  const ends = new Map<string, () => void>();
  const requests = new Map<string, EventEmitter & { complete: boolean }>();
  return {
    started,
    refused,
    advance(ms: number) {
      nowMs += ms;
    },
    send(
      name: string,
      {
        caller = "a",
        method = "POST",
        url = "/v1/flows",
        prefer,
        complete = true,
        socket = { destroyed: false },
      }: Sent = {},
      costMs = 0,
    ) {
      const head = { method, url, headers: { authorization: caller, prefer }, complete, socket, resume() {} };
      const request = Object.assign(new EventEmitter(), head);
      requests.set(name, request);
      const response = {
        writeHead: (status: number, headers: Record<string, string>) => ({
          end: (body: string) => refused.push({ name, status, headers, body }),
        }),
      };
      admission.admit(request as unknown as IncomingMessage, response as unknown as ServerResponse, () => {
        started.push(name);
        nowMs += costMs;
        return new Promise((resolve) => ends.set(name, resolve));
      });
    },
    /** The last byte of the body arrives. */
    arrive(name: string) {
      const request = requests.get(name)!;
      request.complete = true;
      request.emit("end");
    },
    async end(name: string) {
      ends.get(name)!();
      await turns();
    },
  };
}

/** More turns than the requests of a test need. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

test("a request starts at once while nothing waits", () => {
  const { send, started } = open();
  send("first");
  send("second");
  expect(started).toEqual(["first", "second"]);
});

test("requests that arrive together start in several turns of the event loop, and other work comes between them", async () => {
  const { send, started } = open({ running: 100 });
  for (let i = 0; i < 6; i++) send(`${i}`, {}, 6);
  // Each costs 6 of the 10 ms of a turn.
  expect(started).toEqual(["0", "1"]);
  const seen: number[] = [];
  const look = () => {
    seen.push(started.length);
    if (started.length < 6) setImmediate(look);
  };
  setImmediate(look);
  await turns();
  expect(started).toEqual(["0", "1", "2", "3", "4", "5"]);
  expect(seen).toContain(4);
});

test("a bounded number of requests runs at one time, and the end of one starts the next", async () => {
  const { send, started, end } = open({ running: 2 });
  for (const name of ["first", "second", "third", "fourth"]) send(name);
  await turns();
  expect(started).toEqual(["first", "second"]);
  await end("second");
  expect(started).toEqual(["first", "second", "third"]);
});

test("streams and long polls take no place of others, however many are open", async () => {
  const { send, started } = open({ running: 1 });
  const held = [
    { url: "/v1/flows/flow_1/events" },
    { url: "/v1/flows/flow_1/events?after=3" },
    { prefer: "wait=20" },
    { prefer: "respond-async, wait = 5" },
  ];
  for (const [i, read] of held.entries()) send(`held ${i}`, { method: "GET", ...read });
  send("write");
  await turns();
  expect(started).toEqual(["held 0", "held 1", "held 2", "held 3", "write"]);
});

test("a request whose body does not arrive gives its place to the next one, and counts again when it has arrived", async () => {
  const { send, arrive, started, end, advance } = open({ running: 1 });
  send("slow", { complete: false });
  send("second");
  advance(49);
  await turns();
  expect(started).toEqual(["slow"]);
  advance(1);
  send("third");
  await turns();
  expect(started).toEqual(["slow", "second"]);
  arrive("slow");
  await end("second");
  expect(started).toEqual(["slow", "second"]);
  await end("slow");
  expect(started).toEqual(["slow", "second", "third"]);
});

test("a write takes a place, whatever it prefers", async () => {
  const { send, started } = open({ running: 1 });
  send("write", { prefer: "wait=20" });
  send("waits");
  await turns();
  expect(started).toEqual(["write"]);
});

test("each caller has its turn among those that wait, and its reads do not wait for its writes", async () => {
  const { send, started, end } = open({ running: 1 });
  send("running");
  for (let i = 0; i < 3; i++) send(`busy ${i}`, { caller: "busy" });
  send("other", { caller: "other" });
  send("read", { caller: "busy", method: "GET" });
  for (const next of ["running", "busy 0", "other", "read", "busy 1"]) await end(next);
  expect(started).toEqual(["running", "busy 0", "other", "read", "busy 1", "busy 2"]);
});

test("a request that takes long, such as a stream, does not keep others waiting", async () => {
  const { send, started, end, advance } = open({ running: 1, countedMs: 1_000 });
  send("stream");
  send("flow");
  await turns();
  expect(started).toEqual(["stream"]);
  advance(1_000);
  send("another");
  await turns();
  expect(started).toEqual(["stream", "flow"]);
  // The end of the stream frees no second place.
  await end("stream");
  expect(started).toEqual(["stream", "flow"]);
  await end("flow");
  expect(started).toEqual(["stream", "flow", "another"]);
});

test("a place is taken from a long request although no other request arrives or ends", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  // The server holds the process; here a timer does.
  const alive = setInterval(() => {}, 1_000);
  const admission = createAdmission({ turnMs: 10, running: 1, waiting: 1, countedMs: 1 });
  const request = { method: "POST", headers: {}, complete: true, socket: {} } as unknown as IncomingMessage;
  admission.admit(request, {} as ServerResponse, () => new Promise(() => {}));
  admission.admit(request, {} as ServerResponse, async () => resolve());
  await promise;
  clearInterval(alive);
});

test("a request beyond those that may wait gets 503 with the code `overloaded` and a time to come back", async () => {
  const { send, started, refused } = open({ running: 1, waiting: 2 });
  for (const name of ["running", "first", "second", "third"]) send(name);
  expect(refused).toMatchObject([{ name: "third", status: 503, headers: { "retry-after": "2" } }]);
  expect(JSON.parse(refused[0]!.body)).toMatchObject({ code: "overloaded", retry: "later" });
  await turns();
  expect(started).toEqual(["running"]);
});

test("a request whose client has left before its turn does not start", async () => {
  const { send, started, end } = open({ running: 1 });
  const socket = { destroyed: false };
  send("running");
  send("left", { socket });
  send("next");
  socket.destroyed = true;
  await end("running");
  expect(started).toEqual(["running", "next"]);
});

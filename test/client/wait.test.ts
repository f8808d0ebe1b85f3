/** Tests of waiting for a flow: with a stream, with cut streams, without a stream, and the number of requests. */
import { type Flow, type FlowEvent, type MjflowError, WaitTimeoutError } from "@mjflow/client";
import { afterEach, describe, expect, test } from "vitest";
import {
  type CannedResponse,
  FLOW_ID,
  flow,
  flowEvent,
  json,
  problem,
  type ReceivedRequest,
  type Server,
  serve,
  stream,
  task,
  taskEvent,
} from "./test-server.ts";

const EVENTS = `/v1/flows/${FLOW_ID}/events`;
const FLOW = `/v1/flows/${FLOW_ID}`;

let server: Server;
afterEach(() => server?.close());

/** Starts a server with an event stream and a flow. */
async function given(events: CannedResponse, read: CannedResponse) {
  server = await serve((response, request, n) =>
    request.path === EVENTS ? events(response, request, n) : read(response, request, n),
  );
  return server.client();
}

const noStream: CannedResponse = (response) => problem(response, 404, "not_found");
const caught = (work: Promise<unknown>): Promise<MjflowError> =>
  work.then(
    () => {
      throw new Error("the promise did not reject");
    },
    (error) => error,
  );
const collect = async (events: AsyncIterable<FlowEvent>) => {
  const all: FlowEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};
const requestsTo = (path: string): ReceivedRequest[] => server.requests.filter((each) => each.path === path);

const pending = flow("running", [task("0", "PENDING")]);
const half = flow("running", [task("0", "IN_PROGRESS", 50)]);
const done = flow("completed", [task("0", "SUCCESS", 100)]);

describe("waiting with a stream", () => {
  /** A server whose flow runs until the stream has reported its end. */
  function streaming(
    send: (out: ReturnType<typeof stream>, request: ReceivedRequest, n: number) => boolean | undefined,
  ) {
    let ended = false;
    return given(
      (response, request, n) => {
        const out = stream(response);
        // Events are sent only after the flow was read as running, so that an event must make the difference.
        const when = setInterval(() => {
          if (requestsTo(FLOW).length <= n && requestsTo(EVENTS)[0]?.headers.accept) return;
          clearInterval(when);
          ended = send(out, request, n) ?? true;
        }, 1);
      },
      (response) => json(response, 200, ended ? done : pending),
    );
  }

  test("wait returns the read flow after two reads and without further requests", async () => {
    const mjflow = await streaming((out) => {
      out.write(taskEvent("task.completed", task("0", "SUCCESS", 100)), "1");
      out.write(flowEvent(done), "2");
      return true;
    });
    expect(await mjflow.flows.wait(FLOW_ID)).toEqual(done);
    expect(requestsTo(EVENTS)).toHaveLength(1);
    expect(requestsTo(FLOW)).toHaveLength(2);
    expect(requestsTo(EVENTS)[0]?.headers).toMatchObject({ accept: "text/event-stream" });
  });

  test("onUpdate receives each change with tasks in order and updated counts, and no task goes back", async () => {
    const mjflow = await streaming((out) => {
      out.write(taskEvent("task.progress", task("0", "IN_PROGRESS", 60)), "1");
      out.write(taskEvent("task.progress", task("0", "IN_PROGRESS", 30)), "2");
      out.write(taskEvent("task.completed", task("0", "SUCCESS", 100)), "3");
      out.write(taskEvent("task.submitted", task("0-10", "SUBMITTED")), "4");
      out.write(taskEvent("task.submitted", task("0-2", "SUBMITTED")), "5");
      out.write(taskEvent("task.progress", task("0", "IN_PROGRESS", 100)), "6");
      out.write(flowEvent(done), "7");
      return true;
    });
    const seen: string[] = [];
    const onUpdate = ({ tasks, counts }: Flow) =>
      void seen.push(
        [...tasks.map((t) => `${t.id.slice(32)}:${t.status}:${t.progress}`), counts.submissions].join(" "),
      );
    await mjflow.flows.wait(FLOW_ID, { onUpdate });
    expect(seen.slice(0, 7)).toEqual([
      "0:PENDING:0 1",
      "0:IN_PROGRESS:60 1",
      "0:IN_PROGRESS:60 1",
      "0:SUCCESS:100 1",
      "0:SUCCESS:100 0-10:SUBMITTED:0 2",
      "0:SUCCESS:100 0-2:SUBMITTED:0 0-10:SUBMITTED:0 3",
      "0:SUCCESS:100 0-2:SUBMITTED:0 0-10:SUBMITTED:0 3",
    ]);
  });

  test("after a cut connection the stream continues after the last event, and repeated events are dropped", async () => {
    const mjflow = await given(
      (response, _, n) => {
        const out = stream(response);
        out.write(taskEvent("task.submitted", task("0", "SUBMITTED")), "a-1");
        if (n === 0) out.cut();
        // This server starts again from the first event and ignores Last-Event-ID.
        else out.write(taskEvent("task.completed", task("0", "SUCCESS", 100)), "a-2");
        if (n > 0) out.write(flowEvent(done), "a-3");
      },
      (response) => json(response, 200, done),
    );
    const events = await collect(mjflow.flows.events(FLOW_ID));
    expect(events.map(({ id, type }) => `${id} ${type}`)).toEqual([
      "a-1 task.submitted",
      "a-2 task.completed",
      "a-3 flow.completed",
    ]);
    expect(requestsTo(EVENTS).map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "a-1"]);
    expect(server.sleeps).toHaveLength(1);
  });

  test("a flow that has already ended is returned after one read, without a stream", async () => {
    const mjflow = await given(
      (response) => stream(response),
      (response) => json(response, 200, done),
    );
    expect(await mjflow.flows.wait(FLOW_ID)).toEqual(done);
    expect(server.requests.map(({ path }) => path)).toEqual([FLOW]);
  });

  test("with follow: stream the stream of an ended flow is opened, and closed after one read", async () => {
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const mjflow = await given(
      (response) => stream(response.on("close", () => closed?.())),
      (response) => json(response, 200, done),
    );
    expect(await mjflow.flows.wait(FLOW_ID, { follow: "stream" })).toEqual(done);
    await gone;
    expect(server.requests).toHaveLength(2);
  });

  test("wait continues if a press has reopened the flow after the stream reported its end", async () => {
    const mjflow = await given(
      (response, _, n) => stream(response).write(flowEvent(done), String(n)),
      (response, _, n) => json(response, 200, n < 3 ? half : done),
    );
    expect((await mjflow.flows.wait(FLOW_ID)).status).toBe("completed");
    expect(requestsTo(EVENTS)).toHaveLength(2);
  });

  test("messages that are not events of a flow are ignored", async () => {
    const mjflow = await streaming((out) => {
      out.write({ type: "server.hello", data: {} }, "x");
      out.write({ type: "task.completed", data: null }, "y");
      out.write({ type: "task.completed", data: { id: 5 } }, "z");
      out.write(flowEvent(done), "1");
      return true;
    });
    expect(await mjflow.flows.wait(FLOW_ID)).toEqual(done);
  });

  test("leaving the event loop closes the connection", async () => {
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const mjflow = await given(
      (response) => {
        response.on("close", () => closed?.());
        stream(response).write(taskEvent("task.submitted", task("0", "SUBMITTED")), "1");
      },
      (response) => json(response, 200, half),
    );
    for await (const { type } of mjflow.flows.events(FLOW_ID)) {
      expect(type).toBe("task.submitted");
      break;
    }
    await gone;
  });

  test("another process continues the stream with lastEventId", async () => {
    const mjflow = await given(
      (response, request) => {
        expect(request.headers["last-event-id"]).toBe("a-7");
        stream(response).write(flowEvent(done), "a-8");
      },
      (response) => json(response, 200, done),
    );
    expect(await collect(mjflow.flows.events(FLOW_ID, { lastEventId: "a-7" }))).toMatchObject([{ id: "a-8" }]);
  });

  test("after a stream that reached the flow's end no derived events are added", async () => {
    const mjflow = await given(
      (response) => stream(response).write(flowEvent(done), "9"),
      (response) => json(response, 200, done),
    );
    expect((await collect(mjflow.flows.events(FLOW_ID))).map(({ id }) => id)).toEqual(["9"]);
  });

  test("events that the stream never sent are derived from a read once", async () => {
    const mjflow = await given(
      (response, _, n) => {
        const out = stream(response);
        if (n === 0) out.write(taskEvent("task.submitted", task("0", "SUBMITTED")), "1");
        out.end();
      },
      (response, _, n) => json(response, 200, n === 0 ? half : done),
    );
    const events = await collect(mjflow.flows.events(FLOW_ID));
    expect(events.map(({ id, type }) => `${id} ${type}`)).toEqual([
      "1 task.submitted",
      "null task.progress",
      "null task.completed",
      "null flow.completed",
    ]);
  });

  test("events before lastEventId are not derived again", async () => {
    const mjflow = await given(
      (response) => response.writeHead(204).end(),
      (response, _, n) => json(response, 200, n === 0 ? half : done),
    );
    const events = await collect(mjflow.flows.events(FLOW_ID, { lastEventId: "a-7" }));
    expect(events.map(({ type }) => type)).toEqual(["task.completed", "flow.completed"]);
  });
});

describe("waiting without a stream", () => {
  test.each<[string, CannedResponse]>([
    ["404", noStream],
    ["501", (response) => problem(response, 501, "not_implemented")],
    ["405", (response) => problem(response, 405, "method_not_allowed")],
    ["JSON", (response) => json(response, 200, {})],
    ["an HTML page", (response) => response.end("<h1>hello</h1>")],
  ])("after a stream response of %s the flow is read with Prefer: wait instead", async (_, events) => {
    const mjflow = await given(events, (response, { headers }, n) => {
      if (n < 2) return json(response, 200, n === 0 ? pending : half, { etag: `"${n}"` });
      if (n < 4) expect(headers).toMatchObject({ prefer: "wait=20", "if-none-match": '"1"' });
      return n === 2 ? response.writeHead(304).end() : json(response, 200, done, { etag: '"2"' });
    });
    const seen: string[] = [];
    const onUpdate = ({ tasks }: Flow) => void seen.push(`${tasks[0]?.status}`);
    expect(await mjflow.flows.wait(FLOW_ID, { onUpdate })).toEqual(done);
    expect(seen).toEqual(["PENDING", "IN_PROGRESS", "SUCCESS"]);
    expect(requestsTo(EVENTS)).toHaveLength(1);
  });

  test("a read that the server held is followed immediately by the next read, other reads by a pause", async () => {
    let now = 0;
    const sleeps: number[] = [];
    await given(noStream, (response, _, n) => {
      now += n === 1 ? 20_000 : 0;
      if (n === 1) return response.writeHead(304).end();
      return json(response, 200, n < 3 ? half : done, { etag: `"${n}"` });
    });
    const mjflow = server.client({ now: () => now, sleep: async (ms) => void sleeps.push(ms) });
    await mjflow.flows.wait(FLOW_ID);
    expect(requestsTo(FLOW)).toHaveLength(4);
    expect(sleeps).toHaveLength(2);
  });

  test("events are derived from the changes between reads, with the flow's end last", async () => {
    const views = [
      pending,
      flow("running", [task("0", "IN_PROGRESS", 30)]),
      flow("running", [task("0", "SUCCESS", 100), task("0-0", "SUBMITTED"), task("0-1", "MODAL")]),
      flow("running", [task("0", "SUCCESS", 100), task("0-0", "SUBMITTED"), task("0-1", "MODAL")]),
      flow("completed", [task("0", "SUCCESS", 100), task("0-0", "SUCCESS", 100), task("0-1", "EXPIRED")]),
    ];
    const mjflow = await given(noStream, (response, _, n) => json(response, 200, views[n]));
    const events = await collect(mjflow.flows.events(FLOW_ID));
    expect(events.map(({ type, data }) => `${type} ${data.id.slice(32)}`.trim())).toEqual([
      "task.progress 0",
      "task.completed 0",
      "task.submitted 0-0",
      "task.modal 0-1",
      "task.completed 0-0",
      "task.failed 0-1",
      "flow.completed",
    ]);
    for (const event of events) expect(event).toMatchObject({ id: null, data: { state: "mine" } });
    expect(events.at(-1)?.data).not.toHaveProperty("tasks");
  });

  test("after three streams without events, for example held back by a proxy, the flow is read without a stream", async () => {
    const mjflow = await given(
      (response) => stream(response).end(),
      (response, _, n) => json(response, 200, n < 9 ? half : done),
    );
    await mjflow.flows.wait(FLOW_ID);
    expect(requestsTo(EVENTS)).toHaveLength(3);
  });
});

describe("waiting by hints", () => {
  const hinted = (of: Flow, nextInMs: number | null): Flow => ({ ...of, nextInMs, follow: "read", eventsUrl: null });

  test("where the server prefers reads, each pause is its hint and a twentieth more, and no stream is opened", async () => {
    const hints = [22_000, 20_000, 7_000, 3_000];
    const mjflow = await given(noStream, (response, { headers }, n) => {
      expect(headers.prefer).toBeUndefined();
      json(response, 200, n < 4 ? hinted(n < 2 ? pending : half, hints[n]!) : hinted(done, null), { etag: `W/"${n}"` });
    });
    const seen: string[] = [];
    const onUpdate = ({ tasks }: Flow) => void seen.push(`${tasks[0]?.status}`);
    expect(await mjflow.flows.wait(FLOW_ID, { onUpdate })).toMatchObject({ status: "completed" });
    expect(server.sleeps).toEqual([23_100, 21_000, 7_350, 3_150]);
    expect(requestsTo(EVENTS)).toEqual([]);
    expect(seen).toEqual(["PENDING", "IN_PROGRESS", "SUCCESS"]);
  });

  test("an unchanged flow costs a 304 whose Retry-After is the next hint", async () => {
    const mjflow = await given(noStream, (response, { headers }, n) => {
      if (n === 0) return json(response, 200, hinted(half, 20_000), { etag: 'W/"1"' });
      expect(headers["if-none-match"]).toBe('W/"1"');
      if (n < 3) return response.writeHead(304, { "retry-after": "15" }).end();
      json(response, 200, hinted(done, null), { etag: 'W/"2"' });
    });
    await mjflow.flows.wait(FLOW_ID);
    expect(server.sleeps).toEqual([21_000, 15_750, 15_750]);
  });

  test("create().wait() uses the hint of the created flow and reads it only after that", async () => {
    server = await serve((response, { method }) =>
      json(response, 200, method === "POST" ? hinted(pending, 20_000) : hinted(done, null)),
    );
    const seen: string[] = [];
    const onUpdate = ({ status }: Flow) => void seen.push(status);
    await server.client().flows.create({ prompt: "a boat" }).wait({ onUpdate });
    expect(server.requests.map(({ method }) => method)).toEqual(["POST", "GET"]);
    expect(server.sleeps).toEqual([21_000]);
    expect(seen).toEqual(["running", "completed"]);
  });

  test("a handle that is waited for later waits only for the rest of the hint", async () => {
    server = await serve((response, { method }) =>
      json(response, 200, method === "POST" ? hinted(pending, 20_000) : hinted(done, null)),
    );
    let now = 0;
    const mjflow = server.client({ now: () => now, sleep: async (ms) => void server.sleeps.push(ms) });
    const handle = await mjflow.flows.create({ prompt: "a boat" });
    now += 15_000;
    await handle.wait();
    expect(server.sleeps).toEqual([5_250]);
  });

  test.each([
    ["a hint of 0", (n: number) => hinted(flow("running", [task("0", "IN_PROGRESS", n % 100)]), 0), 120],
    ["a hint of 0 and no change", () => hinted(half, 0), 30],
    ["a negative hint", () => hinted(half, -5), 30],
    ["a hint of a day", () => hinted(half, 86_400_000), 2],
  ])("%s cannot cause a flood of requests or an endless pause", async (_, body, most) => {
    const mjflow = await given(noStream, (response, __, n) => json(response, 200, body(n)));
    const error = await caught(mjflow.flows.wait(FLOW_ID, { timeoutMs: 60_000 }));
    expect(error.code).toBe("timeout");
    expect(server.requests.length).toBeLessThanOrEqual(most);
  });

  test("after a stream that is refused because too many are open, the flow is read by hints", async () => {
    const mjflow = await given(
      (response) => problem(response, 429, "too_many_streams", { headers: { "retry-after": "20" } }),
      (response, _, n) => json(response, 200, n === 0 ? hinted(half, 9_000) : hinted(done, null)),
    );
    expect(await mjflow.flows.wait(FLOW_ID, { follow: "stream" })).toMatchObject({ status: "completed" });
    expect(requestsTo(EVENTS)).toHaveLength(1);
    expect(server.sleeps).toEqual([9_450]);
  });

  test("with follow: auto events are derived from reads where the server prefers them", async () => {
    const mjflow = await given(noStream, (response, _, n) =>
      json(response, 200, n === 0 ? hinted(half, 1_000) : hinted(done, null)),
    );
    const events = await collect(mjflow.flows.events(FLOW_ID, { follow: "auto" }));
    expect(events.map(({ type }) => type)).toEqual(["task.progress", "task.completed", "flow.completed"]);
    expect(requestsTo(EVENTS)).toEqual([]);
  });
});

describe("a stream at another address", () => {
  const elsewhere =
    (eventsUrl: string): CannedResponse =>
    (response) =>
      problem(response, 404, "stream_elsewhere", { eventsUrl });

  test("the stream is opened at the address that the server names, with the key", async () => {
    const other = await serve((response) => {
      const out = stream(response);
      out.write(flowEvent(done), "7");
    });
    const mjflow = await given(elsewhere(`${other.url}/some/path?with=query`), (response) => json(response, 200, done));
    const events = await collect(mjflow.flows.events(FLOW_ID));
    expect(events.map(({ id }) => id)).toEqual(["7"]);
    expect(other.requests).toMatchObject([
      { path: "/some/path?with=query", headers: { authorization: expect.any(String) } },
    ]);
    await other.close();
  });

  test.each(["http://elsewhere.example/events", "ftp://127.0.0.1/events", "not a URL", ""])(
    "the key is not sent to %s: the flow is read instead",
    async (address) => {
      const mjflow = await given(elsewhere(address), (response) => json(response, 200, done));
      const events = await collect(mjflow.flows.events(FLOW_ID));
      expect(events.map(({ type }) => type)).toEqual(["task.completed", "flow.completed"]);
      expect(requestsTo(EVENTS)).toHaveLength(1);
    },
  );

  test("an address that names another address is not followed further", async () => {
    const other = await serve(elsewhere("https://third.example/events"));
    const mjflow = await given(elsewhere(`${other.url}/x`), (response) => json(response, 200, done));
    const events = await collect(mjflow.flows.events(FLOW_ID));
    expect(events.map(({ id }) => id)).toEqual([null, null]);
    expect(other.requests).toHaveLength(1);
    await other.close();
  });
});

describe("a wait that ends before the flow", () => {
  test("after timeoutMs wait rejects with a WaitTimeoutError that contains the last known flow", async () => {
    const mjflow = await given(noStream, (response) => json(response, 200, half));
    const error = await caught(mjflow.flows.wait(FLOW_ID, { timeoutMs: 60_000 }));
    expect(error).toBeInstanceOf(WaitTimeoutError);
    expect(error).toMatchObject({ code: "timeout", retry: "later", flow: half });
    expect(server.sleeps.reduce((a, b) => a + b)).toBe(60_000);
  });

  test("timeoutMs also applies while a stream is silent", async () => {
    const mjflow = await given(
      (response) => stream(response),
      (response) => json(response, 200, half),
    );
    const error = await caught(mjflow.flows.wait(FLOW_ID, { timeoutMs: 100 }));
    expect(error).toMatchObject({ code: "timeout", flow: half });
  });

  test("the caller's signal ends the wait in a stream, in a read and before the first request", async () => {
    const inStream = new AbortController();
    const mjflow = await given(
      (response) => stream(response),
      (response) => json(response, 200, half),
    );
    const onUpdate = () => setTimeout(() => inStream.abort(), 5);
    expect(await caught(mjflow.flows.wait(FLOW_ID, { signal: inStream.signal, onUpdate }))).toMatchObject({
      code: "aborted",
    });
    const before = server.requests.length;
    expect(await caught(mjflow.flows.wait(FLOW_ID, { signal: AbortSignal.abort() }))).toMatchObject({
      code: "aborted",
    });
    expect(server.requests).toHaveLength(before);
    await server.close();
    const inRead = new AbortController();
    const other = await given(noStream, () => inRead.abort());
    expect(await caught(other.flows.wait(FLOW_ID, { signal: inRead.signal }))).toMatchObject({ code: "aborted" });
  });

  test("an unknown flow and an invalid key reject immediately with their codes", async () => {
    const mjflow = await given(noStream, (response) => problem(response, 404, "not_found"));
    expect(await caught(mjflow.flows.wait(FLOW_ID))).toMatchObject({ code: "not_found", status: 404 });
    expect(server.requests).toHaveLength(1);
    await server.close();
    const other = await given(noStream, (r) => problem(r, 401, "unauthorized"));
    expect(await caught(other.flows.wait(FLOW_ID))).toMatchObject({ code: "unauthorized" });
    expect(server.requests).toHaveLength(1);
  });

  test("9 failed connections in a row are tolerated, 10 are reported as unreachable", async () => {
    let away = 9;
    const mjflow = await given(
      (response) => (away-- > 0 ? response.destroy() : problem(response, 404, "not_found")),
      (response) => json(response, 200, done),
    );
    expect(await mjflow.flows.wait(FLOW_ID, { follow: "stream" })).toEqual(done);
    away = 10;
    expect(await caught(mjflow.flows.wait(FLOW_ID, { follow: "stream" }))).toMatchObject({ code: "unreachable" });
  });

  test("an error in onUpdate ends the wait and is passed on unchanged", async () => {
    const mjflow = await given(
      (response) => stream(response),
      (response) => json(response, 200, half),
    );
    const thrown = new Error("mine");
    const onUpdate = () => {
      throw thrown;
    };
    expect(await caught(mjflow.flows.wait(FLOW_ID, { onUpdate }))).toBe(thrown);
  });

  test.each([-1, Number.NaN])("a timeoutMs of %d is rejected", async (timeoutMs) => {
    const mjflow = await given(noStream, noStream);
    expect(await caught(mjflow.flows.wait(FLOW_ID, { timeoutMs }))).toMatchObject({ code: "invalid_argument" });
  });
});

describe("the number of requests is bounded for every behavior of the server", () => {
  const once =
    (status: number, headers: Record<string, string> = {}): CannedResponse =>
    (response) =>
      response.writeHead(status, headers).end();
  const changing: CannedResponse = (response, _, n) =>
    json(response, 200, flow("running", [task("0", "IN_PROGRESS", n % 100)]), { etag: `"${n}"` });
  const same: CannedResponse = (response) => json(response, 200, half, { etag: '"1"' });
  const repeatedEvent =
    (id: (n: number) => string | undefined): CannedResponse =>
    (response, _, n) => {
      const out = stream(response);
      out.write(taskEvent("task.progress", task("0", "IN_PROGRESS", n % 100)), id(n));
      out.end();
    };

  test.each<[string, CannedResponse, CannedResponse, number, number]>([
    ["a stream that ends at once", (r) => stream(r).end(), same, 10, 60],
    ["a stream cut at once", (r) => stream(r).cut(), same, 10, 60],
    ["a stream that repeats one event", repeatedEvent(() => "1"), same, 10, 60],
    ["204 every time", once(204), same, 10, 60],
    [
      "a stream of garbage",
      (r) => r.writeHead(200, { "content-type": "text/event-stream" }).end("\0\r\r\n::data\n\n"),
      same,
      10,
      60,
    ],
    ["an immediate 304 every time", noStream, (r, a, n) => (n === 0 ? same(r, a, n) : r.writeHead(304).end()), 10, 60],
    ["the same flow immediately every time", noStream, same, 10, 60],
    ["503 with Retry-After: 0", noStream, once(503, { "retry-after": "0" }), 10, 60],
    ["500 on the stream", once(500), same, 10, 60],
    ["an HTML page instead of the flow", noStream, (r) => r.end("<h1>"), 10, 60],
    ["an object that is not a flow", noStream, (r) => json(r, 200, {}), 10, 60],
    ["every connection cut", (r) => r.destroy(), (r) => r.destroy(), 10, 60],
    ["redirects", once(302, { location: "/" }), once(302, { location: "/" }), 10, 60],
    // A change in every response is also paced: at most four requests per second.
    ["a new event and a cut stream every time", repeatedEvent(String), same, 1, 60 * 3],
    ["a new event without an id and a cut stream", repeatedEvent(() => undefined), same, 1, 60 * 3],
    ["a false end of the flow every time", (r, _, n) => stream(r).write(flowEvent(done), String(n)), same, 1, 60 * 4],
    ["an immediate change every time", noStream, changing, 1, 60 * 2],
  ])("waiting stays below the limit of requests for %s", async (_, events, read, minutes, most) => {
    const mjflow = await given(events, read);
    const error = await caught(mjflow.flows.wait(FLOW_ID, { timeoutMs: minutes * 60_000 }));
    expect(["timeout", "unreachable", "unexpected_answer", "overloaded"]).toContain(error.code);
    expect(server.requests.length).toBeLessThanOrEqual(most);
    const requestsAtOnce = server.requests.length / (server.sleeps.length + 1);
    expect(requestsAtOnce).toBeLessThanOrEqual(3);
  });
});

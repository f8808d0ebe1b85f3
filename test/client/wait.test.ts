/** Waiting: by stream, across cuts, and where there is no stream; and never more requests than patience allows. */
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

/** A server with a stream and a flow. */
async function given(events: CannedResponse, read: CannedResponse) {
  server = await serve((response, asked, n) =>
    asked.path === EVENTS ? events(response, asked, n) : read(response, asked, n),
  );
  return server.client();
}

const noStream: CannedResponse = (response) => problem(response, 404, "not_found");
const caught = (work: Promise<unknown>): Promise<MjflowError> =>
  work.then(
    () => {
      throw new Error("it did not reject");
    },
    (error) => error,
  );
const told = async (events: AsyncIterable<FlowEvent>) => {
  const all: FlowEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};
const asks = (path: string): ReceivedRequest[] => server.asked.filter((each) => each.path === path);

const pending = flow("running", [task("0", "PENDING")]);
const half = flow("running", [task("0", "IN_PROGRESS", 50)]);
const done = flow("completed", [task("0", "SUCCESS", 100)]);

describe("by stream", () => {
  /** Running until the stream has told of its end. */
  function telling(tell: (out: ReturnType<typeof stream>, asked: ReceivedRequest, n: number) => boolean | undefined) {
    let ended = false;
    return given(
      (response, asked, n) => {
        const out = stream(response);
        // Told only when the flow was read as running: an event must make the difference.
        const when = setInterval(() => {
          if (asks(FLOW).length <= n && asks(EVENTS)[0]?.headers.accept) return;
          clearInterval(when);
          ended = tell(out, asked, n) ?? true;
        }, 1);
      },
      (response) => json(response, 200, ended ? done : pending),
    );
  }

  test("the ended flow comes as it is read, with two reads and no question in between", async () => {
    const mjflow = await telling((out) => {
      out.write(taskEvent("task.completed", task("0", "SUCCESS", 100)), "1");
      out.write(flowEvent(done), "2");
      return true;
    });
    expect(await mjflow.flows.wait(FLOW_ID)).toEqual(done);
    expect(asks(EVENTS)).toHaveLength(1);
    expect(asks(FLOW)).toHaveLength(2);
    expect(asks(EVENTS)[0]?.headers).toMatchObject({ accept: "text/event-stream" });
  });

  test("each change is shown: new tasks in their place, counts with them, nothing that goes back", async () => {
    const mjflow = await telling((out) => {
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

  test("a cut connection goes on after the last event; what is told twice is one", async () => {
    const mjflow = await given(
      (response, _, n) => {
        const out = stream(response);
        out.write(taskEvent("task.submitted", task("0", "SUBMITTED")), "a-1");
        if (n === 0) out.cut();
        // A server that begins again from the start, whatever it was asked.
        else out.write(taskEvent("task.completed", task("0", "SUCCESS", 100)), "a-2");
        if (n > 0) out.write(flowEvent(done), "a-3");
      },
      (response) => json(response, 200, done),
    );
    const events = await told(mjflow.flows.events(FLOW_ID));
    expect(events.map(({ id, type }) => `${id} ${type}`)).toEqual([
      "a-1 task.submitted",
      "a-2 task.completed",
      "a-3 flow.completed",
    ]);
    expect(asks(EVENTS).map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "a-1"]);
    expect(server.sleeps).toHaveLength(1);
  });

  test("a flow that ended before is an answer at once, and its stream is closed", async () => {
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const mjflow = await given(
      (response) => stream(response.on("close", () => closed?.())),
      (response) => json(response, 200, done),
    );
    expect(await mjflow.flows.wait(FLOW_ID)).toEqual(done);
    await gone;
    expect(server.asked).toHaveLength(2);
  });

  test("a flow woken by a press is waited for, though its stream told of an end", async () => {
    const mjflow = await given(
      (response, _, n) => stream(response).write(flowEvent(done), String(n)),
      (response, _, n) => json(response, 200, n < 3 ? half : done),
    );
    expect((await mjflow.flows.wait(FLOW_ID)).status).toBe("completed");
    expect(asks(EVENTS)).toHaveLength(2);
  });

  test("what is no event of a flow is passed over", async () => {
    const mjflow = await telling((out) => {
      out.write({ type: "server.hello", data: {} }, "x");
      out.write({ type: "task.completed", data: null }, "y");
      out.write({ type: "task.completed", data: { id: 5 } }, "z");
      out.write(flowEvent(done), "1");
      return true;
    });
    expect(await mjflow.flows.wait(FLOW_ID)).toEqual(done);
  });

  test("leaving the loop closes the connection", async () => {
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

  test("another process goes on where this one was", async () => {
    const mjflow = await given(
      (response, asked) => {
        expect(asked.headers["last-event-id"]).toBe("a-7");
        stream(response).write(flowEvent(done), "a-8");
      },
      (response) => json(response, 200, done),
    );
    expect(await told(mjflow.flows.events(FLOW_ID, { lastEventId: "a-7" }))).toMatchObject([{ id: "a-8" }]);
  });

  test("a stream that came to the end has told all there was to tell", async () => {
    const mjflow = await given(
      (response) => stream(response).write(flowEvent(done), "9"),
      (response) => json(response, 200, done),
    );
    expect((await told(mjflow.flows.events(FLOW_ID))).map(({ id }) => id)).toEqual(["9"]);
  });

  test("what the stream never told is told from a read, once", async () => {
    const mjflow = await given(
      (response, _, n) => {
        const out = stream(response);
        if (n === 0) out.write(taskEvent("task.submitted", task("0", "SUBMITTED")), "1");
        out.end();
      },
      (response, _, n) => json(response, 200, n === 0 ? half : done),
    );
    const events = await told(mjflow.flows.events(FLOW_ID));
    expect(events.map(({ id, type }) => `${id} ${type}`)).toEqual([
      "1 task.submitted",
      "null task.progress",
      "null task.completed",
      "null flow.completed",
    ]);
  });

  test("who goes on after an event is not told again what came before it", async () => {
    const mjflow = await given(
      (response) => response.writeHead(204).end(),
      (response, _, n) => json(response, 200, n === 0 ? half : done),
    );
    const events = await told(mjflow.flows.events(FLOW_ID, { lastEventId: "a-7" }));
    expect(events.map(({ type }) => type)).toEqual(["task.completed", "flow.completed"]);
  });
});

describe("without a stream", () => {
  test.each<[string, CannedResponse]>([
    ["404", noStream],
    ["501", (response) => problem(response, 501, "not_implemented")],
    ["405", (response) => problem(response, 405, "method_not_allowed")],
    ["JSON", (response) => json(response, 200, {})],
    ["a page", (response) => response.end("<h1>hello</h1>")],
  ])("%s: it is asked for once, then the flow is, and the server holds the question", async (_, events) => {
    const mjflow = await given(events, (response, { headers }, n) => {
      if (n < 2) return json(response, 200, n === 0 ? pending : half, { etag: `"${n}"` });
      if (n < 4) expect(headers).toMatchObject({ prefer: "wait=20", "if-none-match": '"1"' });
      return n === 2 ? response.writeHead(304).end() : json(response, 200, done, { etag: '"2"' });
    });
    const seen: string[] = [];
    const onUpdate = ({ tasks }: Flow) => void seen.push(`${tasks[0]?.status}`);
    expect(await mjflow.flows.wait(FLOW_ID, { onUpdate })).toEqual(done);
    expect(seen).toEqual(["PENDING", "IN_PROGRESS", "SUCCESS"]);
    expect(asks(EVENTS)).toHaveLength(1);
  });

  test("a question that the server held is followed by the next at once; one that it did not hold is not", async () => {
    let now = 0;
    const sleeps: number[] = [];
    await given(noStream, (response, _, n) => {
      now += n === 1 ? 20_000 : 0;
      if (n === 1) return response.writeHead(304).end();
      return json(response, 200, n < 3 ? half : done, { etag: `"${n}"` });
    });
    const mjflow = server.client({ now: () => now, sleep: async (ms) => void sleeps.push(ms) });
    await mjflow.flows.wait(FLOW_ID);
    expect(asks(FLOW)).toHaveLength(4);
    expect(sleeps).toHaveLength(2);
  });

  test("events are told from what has changed, the last word last", async () => {
    const views = [
      pending,
      flow("running", [task("0", "IN_PROGRESS", 30)]),
      flow("running", [task("0", "SUCCESS", 100), task("0-0", "SUBMITTED"), task("0-1", "MODAL")]),
      flow("running", [task("0", "SUCCESS", 100), task("0-0", "SUBMITTED"), task("0-1", "MODAL")]),
      flow("completed", [task("0", "SUCCESS", 100), task("0-0", "SUCCESS", 100), task("0-1", "EXPIRED")]),
    ];
    const mjflow = await given(noStream, (response, _, n) => json(response, 200, views[n]));
    const events = await told(mjflow.flows.events(FLOW_ID));
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

  test("three streams that bring nothing (a proxy holds them back) are enough: it asks", async () => {
    const mjflow = await given(
      (response) => stream(response).end(),
      (response, _, n) => json(response, 200, n < 9 ? half : done),
    );
    await mjflow.flows.wait(FLOW_ID);
    expect(asks(EVENTS)).toHaveLength(3);
  });
});

describe("an end without an end", () => {
  test("when the time is up: a typed error with the flow as last seen; the flow is left alone", async () => {
    const mjflow = await given(noStream, (response) => json(response, 200, half));
    const error = await caught(mjflow.flows.wait(FLOW_ID, { timeoutMs: 60_000 }));
    expect(error).toBeInstanceOf(WaitTimeoutError);
    expect(error).toMatchObject({ code: "timeout", retry: "later", flow: half });
    expect(server.sleeps.reduce((a, b) => a + b)).toBe(60_000);
  });

  test("also while a stream says nothing", async () => {
    const mjflow = await given(
      (response) => stream(response),
      (response) => json(response, 200, half),
    );
    const error = await caught(mjflow.flows.wait(FLOW_ID, { timeoutMs: 100 }));
    expect(error).toMatchObject({ code: "timeout", flow: half });
  });

  test("by the caller's signal: in a stream, in a read, before the first request", async () => {
    const inStream = new AbortController();
    const mjflow = await given(
      (response) => stream(response),
      (response) => json(response, 200, half),
    );
    const onUpdate = () => setTimeout(() => inStream.abort(), 5);
    expect(await caught(mjflow.flows.wait(FLOW_ID, { signal: inStream.signal, onUpdate }))).toMatchObject({
      code: "aborted",
    });
    const before = server.asked.length;
    expect(await caught(mjflow.flows.wait(FLOW_ID, { signal: AbortSignal.abort() }))).toMatchObject({
      code: "aborted",
    });
    expect(server.asked).toHaveLength(before);
    await server.close();
    const inRead = new AbortController();
    const other = await given(noStream, () => inRead.abort());
    expect(await caught(other.flows.wait(FLOW_ID, { signal: inRead.signal }))).toMatchObject({ code: "aborted" });
  });

  test("a flow that is not there, a key that is not known: at once, with their codes", async () => {
    const mjflow = await given(noStream, (response) => problem(response, 404, "not_found"));
    expect(await caught(mjflow.flows.wait(FLOW_ID))).toMatchObject({ code: "not_found", status: 404 });
    expect(server.asked).toHaveLength(2);
    await server.close();
    const other = await given((r) => problem(r, 401, "unauthorized"), noStream);
    expect(await caught(other.flows.wait(FLOW_ID))).toMatchObject({ code: "unauthorized" });
    expect(server.asked).toHaveLength(1);
  });

  test("a server that stays away is reported, one that comes back is forgiven", async () => {
    let away = 9;
    const mjflow = await given(
      (response) => (away-- > 0 ? response.destroy() : problem(response, 404, "not_found")),
      (response) => json(response, 200, done),
    );
    expect(await mjflow.flows.wait(FLOW_ID)).toEqual(done);
    away = 10;
    expect(await caught(mjflow.flows.wait(FLOW_ID))).toMatchObject({ code: "unreachable" });
  });

  test("a mistake in onUpdate is the caller's, and ends the wait", async () => {
    const mjflow = await given(
      (response) => stream(response),
      (response) => json(response, 200, half),
    );
    const mistake = new Error("mine");
    const onUpdate = () => {
      throw mistake;
    };
    expect(await caught(mjflow.flows.wait(FLOW_ID, { onUpdate }))).toBe(mistake);
  });

  test.each([-1, Number.NaN])("a time of %d is refused", async (timeoutMs) => {
    const mjflow = await given(noStream, noStream);
    expect(await caught(mjflow.flows.wait(FLOW_ID, { timeoutMs }))).toMatchObject({ code: "invalid_argument" });
  });
});

describe("whatever the server does, time costs a bounded number of requests", () => {
  const once =
    (status: number, headers: Record<string, string> = {}): CannedResponse =>
    (response) =>
      response.writeHead(status, headers).end();
  const changing: CannedResponse = (response, _, n) =>
    json(response, 200, flow("running", [task("0", "IN_PROGRESS", n % 100)]), { etag: `"${n}"` });
  const same: CannedResponse = (response) => json(response, 200, half, { etag: '"1"' });
  const told =
    (id: (n: number) => string | undefined): CannedResponse =>
    (response, _, n) => {
      const out = stream(response);
      out.write(taskEvent("task.progress", task("0", "IN_PROGRESS", n % 100)), id(n));
      out.end();
    };

  test.each<[string, CannedResponse, CannedResponse, number, number]>([
    ["a stream that ends at once", (r) => stream(r).end(), same, 10, 60],
    ["a stream cut at once", (r) => stream(r).cut(), same, 10, 60],
    ["a stream of the same event", told(() => "1"), same, 10, 60],
    ["204 for ever", once(204), same, 10, 60],
    [
      "a stream of garbage",
      (r) => r.writeHead(200, { "content-type": "text/event-stream" }).end("\0\r\r\n::data\n\n"),
      same,
      10,
      60,
    ],
    ["304 at once, for ever", noStream, (r, a, n) => (n === 0 ? same(r, a, n) : r.writeHead(304).end()), 10, 60],
    ["the same at once, for ever", noStream, same, 10, 60],
    ["503 with Retry-After: 0", noStream, once(503, { "retry-after": "0" }), 10, 60],
    ["500 on the stream", once(500), same, 10, 60],
    ["a page in place of the flow", noStream, (r) => r.end("<h1>"), 10, 60],
    ["an object that is no flow", noStream, (r) => json(r, 200, {}), 10, 60],
    ["every connection cut", (r) => r.destroy(), (r) => r.destroy(), 10, 60],
    ["redirects", once(302, { location: "/" }), once(302, { location: "/" }), 10, 60],
    // Something new each time is news; it is still paced: at most four requests to a second.
    ["a new event and an end, for ever", told(String), same, 1, 60 * 3],
    ["a new event without an id, and an end", told(() => undefined), same, 1, 60 * 3],
    ["an end that is none, for ever", (r, _, n) => stream(r).write(flowEvent(done), String(n)), same, 1, 60 * 4],
    ["something new at once, for ever", noStream, changing, 1, 60 * 2],
  ])("%s", async (_, events, read, minutes, most) => {
    const mjflow = await given(events, read);
    const error = await caught(mjflow.flows.wait(FLOW_ID, { timeoutMs: minutes * 60_000 }));
    expect(["timeout", "unreachable", "unexpected_answer", "overloaded"]).toContain(error.code);
    expect(server.asked.length).toBeLessThanOrEqual(most);
    const requestsAtOnce = server.asked.length / (server.sleeps.length + 1);
    expect(requestsAtOnce).toBeLessThanOrEqual(3);
  });
});

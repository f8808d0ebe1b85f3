import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLOW } from "../test/sample.ts";
import { deliveryIdOf } from "./delivery.ts";
import {
  type AcceptedMessage,
  accountGroup,
  appGroup,
  archiveMessage,
  deliverMessage,
  isNamedNotification,
  MessageError,
  type NotifyMessage,
  notifyMessage,
  outgoingArchive,
  outgoingDelivery,
  outgoingFanOut,
  outgoingNotification,
  outgoingReplay,
  outgoingWork,
  parseMessage,
  pathsOf,
  QUEUE_OF,
  type SubmitMessage,
  submitMessage,
  togetherByFlow,
} from "./message.ts";

const OTHER_FLOW = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHE";

const acceptedMessage: AcceptedMessage = {
  v: 1,
  type: "taken",
  flowId: FLOW,
  path: "0-2",
  attempt: 1,
  vendorTaskId: "14001934816969359",
  window: false,
};

const deliveryRow = { flowId: FLOW, appId: "app_a", subject: "0-2", name: "end", listener: "hook" };

describe("queue messages", () => {
  it("a parsed message equals the sent one, ids digit for digit", () => {
    for (const message of [submitMessage(FLOW, "0-2-mX7"), acceptedMessage]) {
      expect(parseMessage(JSON.stringify(message))).toEqual(message);
    }
  });

  it("a submit message is smaller than 200 bytes (Q1)", () => {
    expect(JSON.stringify(submitMessage(FLOW, `0${"-199".repeat(10)}`)).length).toBeLessThan(200);
  });

  it("further subjects of a notification are read, and an unknown form of them is kept for a newer version", () => {
    const first = notifyMessage(FLOW, "0-0", ["submitted"]);
    const parse = (also: unknown) => parseMessage(JSON.stringify({ ...first, also }));
    const also = [
      { place: "0-1", events: ["submitted"] },
      { place: "flow", events: ["completed"] },
    ];
    expect(parse(also)).toEqual({ ...first, also });
    expect(parse([])).toEqual(first);
    const tooMany = Array.from({ length: 10 }, () => also[0]);
    for (const wrong of ["x", {}, null, ["0-1"], [{ place: "0-1" }], [{ place: "x", events: [] }], [null], tooMany])
      expect(() => parse(wrong), JSON.stringify(wrong)).toThrow("has no valid further subjects");
  });

  it("notifications of a flow that name their events travel together, at most ten subjects in a message", () => {
    const of = (subject: string, events: string[], flowId = FLOW) =>
      outgoingNotification({ flowId, appId: "app_a" }, subject, events);
    const other = OTHER_FLOW;
    expect(
      togetherByFlow([of("0-1", ["submitted"]), of("0-1", ["completed", "submitted"]), of("flow", ["completed"])]),
    ).toEqual([
      {
        message: {
          ...notifyMessage(FLOW, "0-1", ["submitted", "completed"]),
          also: [{ place: "flow", events: ["completed"] }],
        },
        group: "app_a",
      },
    ]);
    expect(togetherByFlow([of("0-1", ["submitted"]), of("0-2", ["submitted"], other)])).toHaveLength(2);
    const many = togetherByFlow(Array.from({ length: 12 }, (_, i) => of(`0-${i}`, ["submitted"])));
    expect(many.map(({ message }) => (message as NotifyMessage).also!.length)).toEqual([9, 1]);
    for (const { message } of many) expect(parseMessage(JSON.stringify(message))).toEqual(message);
    expect(isNamedNotification(outgoingNotification({ flowId: FLOW }, "0"))).toBe(false);
    expect(isNamedNotification({ message: submitMessage(FLOW, "0") })).toBe(false);
  });

  it("the number of hops is kept; without it, and in messages of earlier versions, it is the first", () => {
    for (const message of [submitMessage(FLOW, "0"), deliverMessage(deliveryIdOf(deliveryRow)), acceptedMessage])
      expect(parseMessage(JSON.stringify({ ...message, hops: 3 }))).toEqual({ ...message, hops: 3 });
    for (const hops of [1, 0, -2, 2.5, "3", null, {}])
      expect(parseMessage(JSON.stringify({ ...submitMessage(FLOW, "0"), hops }))).toEqual(submitMessage(FLOW, "0"));
  });

  it("unknown fields of a newer sender are left out", () => {
    expect(parseMessage(JSON.stringify({ ...submitMessage(FLOW, "0"), more: 1 }))).toEqual(submitMessage(FLOW, "0"));
  });

  it.each([
    ["not JSON", "{"],
    ["not an object", "null"],
    ["not an object", "7"],
    ["unknown version", "[]"],
    ["unknown version", JSON.stringify({ ...acceptedMessage, v: 2 })],
    ["unknown version", JSON.stringify({ ...acceptedMessage, v: "x".repeat(999) })],
    ["has no valid flow id or task path", JSON.stringify({ ...acceptedMessage, path: "1" })],
    ["has no valid flow id or task path", JSON.stringify({ ...acceptedMessage, flowId: "flow_x" })],
    ["has no valid flow id or task path", JSON.stringify({ ...acceptedMessage, path: 0 })],
    ["unknown type", JSON.stringify({ ...acceptedMessage, type: "dance" })],
    ["has no valid attempt, vendor task id or modal flag", JSON.stringify({ ...acceptedMessage, attempt: "1" })],
    [
      "has no valid attempt, vendor task id or modal flag",
      JSON.stringify({ ...acceptedMessage, vendorTaskId: 1400193 }),
    ],
    ["has no valid attempt, vendor task id or modal flag", JSON.stringify({ ...acceptedMessage, window: undefined })],
  ])("the error says '%s' for %s", (why, text) => {
    expect(() => parseMessage(text)).toThrow(MessageError);
    expect(() => parseMessage(text)).toThrow(why);
  });

  it("for arbitrary text, parseMessage throws only a MessageError, which does not quote the text", () => {
    const poison = fc.oneof(fc.string(), fc.json());
    fc.assert(
      fc.property(poison, (text) => {
        try {
          parseMessage(text);
        } catch (error) {
          expect(error).toBeInstanceOf(MessageError);
          expect((error as Error).message.length).toBeLessThan(60);
        }
      }),
    );
  });
});

describe("MessageError", () => {
  const errorOf = (body: unknown) => {
    try {
      parseMessage(JSON.stringify(body));
    } catch (error) {
      return error as Error;
    }
    throw new Error("the message was accepted");
  };

  it("the error names an unknown version, cut to 20 characters", () => {
    expect(errorOf({ ...acceptedMessage, v: 2 })).toMatchObject({ name: "MessageError", message: "unknown version 2" });
    expect(errorOf({ ...acceptedMessage, v: "x".repeat(999) }).message).toBe(`unknown version "${"x".repeat(19)}`);
    expect(errorOf({}).message).toBe("unknown version undefined");
  });
});

describe("notify, deliver and archive messages", () => {
  const delivery = `dlv_${FLOW.slice("flow_".length)}_0_completed_hook`;

  it("a parsed message equals the sent one and is smaller than 200 bytes", () => {
    for (const message of [
      archiveMessage(FLOW, "0-2"),
      notifyMessage(FLOW, "0-2"),
      notifyMessage(FLOW, "flow"),
      deliverMessage(delivery),
    ]) {
      expect(parseMessage(JSON.stringify(message))).toEqual(message);
      expect(JSON.stringify(message).length).toBeLessThan(200);
    }
  });

  it.each([
    ["has no valid delivery id", { v: 1, type: "deliver" }],
    ["has no valid delivery id", { v: 1, type: "deliver", deliveryId: "dlv_x" }],
    ["has no valid delivery id", { v: 1, type: "deliver", deliveryId: [delivery] }],
    ["has no valid flow id or event subject", { v: 1, type: "tell", flowId: FLOW }],
    ["has no valid flow id or event subject", { v: 1, type: "tell", flowId: FLOW, place: "1" }],
    ["has no valid flow id or event subject", { v: 1, type: "tell", flowId: "flow_x", place: "flow" }],
    ["has no valid flow id or event subject", { v: 1, type: "tell", flowId: "flow_x", place: "0" }],
    ["has no valid flow id or event subject", { v: 1, type: "tell", flowId: [FLOW], place: "flow" }],
    ["has no valid flow id or event subject", { v: 1, type: "tell", flowId: FLOW, place: ["0"] }],
    ["has no valid flow id or event subject", { v: 1, type: "tell", place: "flow" }],
    ["has no valid flow id or task path", { v: 1, type: "archive", flowId: FLOW, path: "flow" }],
    ["has no valid app id or replay id", { v: 1, type: "replay", appId: "app_a", replayId: "rpl_1" }],
    ["has no valid app id or replay id", { v: 1, type: "replay", replayId: "rpl_01K9ZC7T3R8M2V5X0Q4B6N1JHD" }],
    ["has no valid flow id or task path", { v: 1, type: "archive", flowId: [FLOW], path: "0" }],
  ])("the error says '%s' for %j", (why, body) => {
    expect(() => parseMessage(JSON.stringify(body))).toThrow(new MessageError(why));
  });

  it("every message type has its queue", () => {
    expect(QUEUE_OF).toEqual({
      submit: "submit",
      taken: "submit",
      tell: "deliver",
      deliver: "deliver",
      archive: "archive",
      replay: "deliver",
    });
  });

  it("the message of a replay has a group of its own, so new events of the app do not wait behind it", () => {
    const replay = { appId: "app_a", id: "rpl_01K9ZC7T3R8M2V5X0Q4B6N1JHD" };
    const { message, group } = outgoingReplay(replay, 5);
    expect(parseMessage(JSON.stringify(message))).toEqual(message);
    expect(group).not.toBe(outgoingNotification({ flowId: FLOW, appId: "app_a" }, "flow").group);
    expect(group).toBe("replay/app_a");
  });

  const task = { flowId: FLOW, path: "0-2", appId: "app_a", provider: "cometapi", account: "second" };

  it("the work of a tile is an archive message of its app, and of other tasks a submit message of its vendor account", () => {
    const tile = { message: archiveMessage(FLOW, "0-2"), group: "app_a" };
    const submission = { message: submitMessage(FLOW, "0-2"), group: "cometapi/second", delayMs: 7 };
    expect(outgoingWork({ ...task, action: "TILE" })).toEqual(tile);
    expect(outgoingWork({ ...task, action: "UPSCALE" }, 7)).toEqual(submission);
  });

  const children = (count: number, more: object = {}) =>
    Array.from({ length: count }, (_, i) => ({ ...task, path: `0-${i}`, action: "UPSCALE", ...more }));

  it("the presses of one image travel in one message, and their tiles in messages of their own", () => {
    const tile = { ...task, path: "0-9", action: "TILE" };
    expect(outgoingFanOut([...children(3), tile])).toEqual([
      { message: { ...submitMessage(FLOW, "0-0"), also: ["0-1", "0-2"] }, group: "cometapi/second" },
      outgoingWork(tile),
    ]);
    expect(outgoingFanOut(children(1))).toEqual([{ message: submitMessage(FLOW, "0-0"), group: "cometapi/second" }]);
    expect(outgoingFanOut([])).toEqual([]);
  });

  it("a message names ten tasks at most, of one flow and one vendor account", () => {
    const sizes = (tasks: Parameters<typeof outgoingFanOut>[0]) =>
      outgoingFanOut(tasks).map(({ message }) => pathsOf(message as SubmitMessage).length);
    expect(sizes(children(23))).toEqual([10, 10, 3]);
    expect(sizes([...children(2), ...children(3, { account: "third" })])).toEqual([2, 3]);
    expect(sizes([...children(2), ...children(3, { flowId: OTHER_FLOW })])).toEqual([2, 3]);
  });

  it("with `each`, which earlier versions need, every task has its own message", () => {
    expect(outgoingFanOut(children(2), "each")).toEqual(children(2).map((child) => outgoingWork(child)));
  });

  it("the further tasks of a message are parsed, and an unknown kind of list is an error", () => {
    const parse = (also: unknown) => parseMessage(JSON.stringify({ ...submitMessage(FLOW, "0-0"), also }));
    expect(parse(["0-1", "0-2"])).toEqual({ ...submitMessage(FLOW, "0-0"), also: ["0-1", "0-2"] });
    expect(parse([])).toEqual(submitMessage(FLOW, "0-0"));
    for (const also of ["0-1", [1], ["x"], {}, null, Array.from({ length: 10 }, (_, i) => `0-${i + 1}`)])
      expect(() => parse(also), JSON.stringify(also)).toThrow("has no valid paths of further tasks");
  });

  it("notifications, deliveries and archive copies are grouped by app, or by flow if a row of an earlier version has none", () => {
    expect(outgoingNotification(task, "0-2")).toEqual({ message: notifyMessage(FLOW, "0-2"), group: "app_a" });
    expect(outgoingNotification({ flowId: FLOW }, "0-2").group).toBe(FLOW);
    expect(outgoingArchive(task)).toEqual({ message: archiveMessage(FLOW, "0-2"), group: "app_a" });
    expect(outgoingDelivery(deliveryRow, 5)).toEqual({
      message: deliverMessage(deliveryIdOf(deliveryRow)),
      group: "app_a",
      delayMs: 5,
    });
  });

  it("for every account and app, a group is a text that SQS accepts", () => {
    const text = fc.string({ minLength: 1, maxLength: 300, unit: "binary" });
    fc.assert(
      fc.property(text, text, (provider, account) => {
        expect(accountGroup({ provider, account })).toMatch(/^[!-~]{1,128}$/);
        expect(appGroup({ flowId: FLOW, appId: provider })).toMatch(/^[!-~]{1,128}$/);
      }),
    );
  });
});

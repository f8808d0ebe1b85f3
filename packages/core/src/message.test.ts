import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLOW } from "../test/sample.ts";
import {
  type AcceptedMessage,
  archiveMessage,
  deliverMessage,
  MessageError,
  notifyMessage,
  parseMessage,
  QUEUE_OF,
  submitMessage,
  workMessage,
} from "./message.ts";

const taken: AcceptedMessage = {
  v: 1,
  type: "taken",
  flowId: FLOW,
  path: "0-2",
  attempt: 1,
  vendorTaskId: "14001934816969359",
  window: false,
};

describe("queue messages", () => {
  it("say again what was sent, ids digit for digit", () => {
    for (const message of [submitMessage(FLOW, "0-2-mX7"), taken]) {
      expect(parseMessage(JSON.stringify(message))).toEqual(message);
    }
  });

  it("are small (Q1)", () => {
    expect(JSON.stringify(submitMessage(FLOW, `0${"-199".repeat(10)}`)).length).toBeLessThan(200);
  });

  it("of a newer sender may hold more; what is not known is left out", () => {
    expect(parseMessage(JSON.stringify({ ...submitMessage(FLOW, "0"), more: 1 }))).toEqual(submitMessage(FLOW, "0"));
  });

  it.each([
    ["not JSON", "{"],
    ["not an object", "null"],
    ["not an object", "7"],
    ["unknown version", "[]"],
    ["unknown version", JSON.stringify({ ...taken, v: 2 })],
    ["unknown version", JSON.stringify({ ...taken, v: "x".repeat(999) })],
    ["names no task", JSON.stringify({ ...taken, path: "1" })],
    ["names no task", JSON.stringify({ ...taken, flowId: "flow_x" })],
    ["names no task", JSON.stringify({ ...taken, path: 0 })],
    ["unknown type", JSON.stringify({ ...taken, type: "dance" })],
    ["lacks the vendor's answer", JSON.stringify({ ...taken, attempt: "1" })],
    ["lacks the vendor's answer", JSON.stringify({ ...taken, vendorTaskId: 1400193 })],
    ["lacks the vendor's answer", JSON.stringify({ ...taken, window: undefined })],
  ])("%s: %s", (why, text) => {
    expect(() => parseMessage(text)).toThrow(MessageError);
    expect(() => parseMessage(text)).toThrow(why);
  });

  it("garbage is a MessageError that does not quote it, and nothing else", () => {
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

describe("a message that cannot be read", () => {
  const complaint = (body: unknown) => {
    try {
      parseMessage(JSON.stringify(body));
    } catch (error) {
      return error as Error;
    }
    throw new Error("it was read");
  };

  it("says which version it has, shortly", () => {
    expect(complaint({ ...taken, v: 2 })).toMatchObject({ name: "MessageError", message: "unknown version 2" });
    expect(complaint({ ...taken, v: "x".repeat(999) }).message).toBe(`unknown version "${"x".repeat(19)}`);
    expect(complaint({}).message).toBe("unknown version undefined");
  });
});

describe("messages about what happened", () => {
  const delivery = `dlv_${FLOW.slice("flow_".length)}_0_completed_hook`;

  it("say again what was sent", () => {
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
    ["names no delivery", { v: 1, type: "deliver" }],
    ["names no delivery", { v: 1, type: "deliver", deliveryId: "dlv_x" }],
    ["names no delivery", { v: 1, type: "deliver", deliveryId: [delivery] }],
    ["names neither task nor flow", { v: 1, type: "tell", flowId: FLOW }],
    ["names neither task nor flow", { v: 1, type: "tell", flowId: FLOW, place: "1" }],
    ["names neither task nor flow", { v: 1, type: "tell", flowId: "flow_x", place: "flow" }],
    ["names neither task nor flow", { v: 1, type: "tell", flowId: "flow_x", place: "0" }],
    ["names neither task nor flow", { v: 1, type: "tell", flowId: [FLOW], place: "flow" }],
    ["names neither task nor flow", { v: 1, type: "tell", flowId: FLOW, place: ["0"] }],
    ["names neither task nor flow", { v: 1, type: "tell", place: "flow" }],
    ["names no task", { v: 1, type: "archive", flowId: FLOW, path: "flow" }],
    ["names no task", { v: 1, type: "archive", flowId: [FLOW], path: "0" }],
  ])("%s: %j", (why, body) => {
    expect(() => parseMessage(JSON.stringify(body))).toThrow(new MessageError(why));
  });

  it("go to those who do that work", () => {
    expect(QUEUE_OF).toEqual({
      submit: "submit",
      taken: "submit",
      tell: "deliver",
      deliver: "deliver",
      archive: "archive",
    });
  });

  it("a tile is our own work, all else a vendor's", () => {
    expect(workMessage({ flowId: FLOW, path: "0-2", action: "TILE" })).toEqual(archiveMessage(FLOW, "0-2"));
    expect(workMessage({ flowId: FLOW, path: "0-2", action: "UPSCALE" })).toEqual(submitMessage(FLOW, "0-2"));
  });
});

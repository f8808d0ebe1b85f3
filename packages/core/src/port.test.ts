import { describe, expect, it } from "vitest";
import { LookupError, OutboundError } from "./port.ts";

describe("a look-up that could not be made", () => {
  it("may be worth making again, unless the key was refused", () => {
    expect(new LookupError("timed out").unauthorized).toBe(false);
    expect(new LookupError("401", { unauthorized: true }).unauthorized).toBe(true);
  });

  it("keeps its name and its cause", () => {
    const cause = new Error("reset");
    expect(new LookupError("gone", { cause })).toMatchObject({ name: "LookupError", message: "gone", cause });
  });
});

describe("an address that was not fetched", () => {
  it.each(["forbidden", "unreachable"] as const)("says that it was %s", (kind) => {
    const cause = new Error("DNS");
    const error = new OutboundError(kind, "no address", { cause });
    expect(error).toMatchObject({ name: "OutboundError", kind, message: "no address", cause });
    expect(error).toBeInstanceOf(Error);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLOW, NOW } from "../test/sample.ts";
import { type CallbackClaims, encodeClaims, parseToken } from "./callback-token.ts";
import { flowIdOf } from "./id.ts";
import { REQUEST } from "./limit.ts";

const MAC = "m".repeat(43);
const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
const claims: fc.Arbitrary<CallbackClaims> = fc.record({
  keyId: name,
  flowId: fc
    .tuple(fc.nat(2 ** 31), fc.uint8Array({ minLength: 10, maxLength: 10 }))
    .map(([at, random]) => flowIdOf(at, random)),
  path: fc.array(fc.nat(199), { maxLength: 20 }).map((segments) => ["0", ...segments].join("-")),
  attempt: fc.integer({ min: 1, max: 999_999 }),
  provider: name,
  account: name,
  expiresAt: fc.integer({ min: 0, max: 4_000_000_000 }).map((s) => s * 1_000),
  progress: fc.boolean(),
  calling: fc.boolean(),
});
const sample: CallbackClaims = {
  keyId: "k1",
  flowId: FLOW,
  path: "0-2",
  attempt: 1,
  provider: "cometapi",
  account: "default",
  expiresAt: NOW,
  progress: true,
  calling: false,
};

describe("callback token", () => {
  it("parseToken returns the claims that the token was created from", () => {
    fc.assert(
      fc.property(claims, (made) => {
        const text = encodeClaims(made);
        expect(parseToken(`${text}.${MAC}`)).toEqual({ text, mac: MAC, claims: made });
      }),
    );
  });

  it("a token needs no escaping in the path of a URL", () => {
    fc.assert(
      fc.property(claims, (made) => {
        const token = `${encodeClaims(made)}.${MAC}`;
        expect(new URL(`https://x/callbacks/${token}`).pathname).toBe(`/callbacks/${token}`);
        expect(encodeURIComponent(token)).toBe(token);
      }),
    );
  });

  it("a token with the longest path and names fits the limit of 512 characters", () => {
    const path = `0${"-199".repeat(39)}`.slice(0, REQUEST.pathLength);
    const long = { ...sample, path, keyId: "k".repeat(40), provider: "p".repeat(40), account: "a".repeat(40) };
    const token = `${encodeClaims({ ...long, attempt: 999_999, calling: true })}.${MAC}`;
    expect(parseToken(token)).toBeDefined();
    expect(token.length).toBeLessThan(512);
  });

  it("a token with 512 characters is parsed, and one with 513 is not", () => {
    const tokenOfLength = (length: number) => {
      const short = `${encodeClaims({ ...sample, path: "0", attempt: 10 })}.${MAC}`;
      const odd = (length - short.length) % 2;
      const path = `0${"-1".repeat((length - short.length - odd) / 2)}`;
      return `${encodeClaims({ ...sample, path, attempt: odd ? 100 : 10 })}.${MAC}`;
    };
    for (const length of [511, 512, 513]) expect(tokenOfLength(length)).toHaveLength(length);
    expect([511, 512, 513].map((length) => parseToken(tokenOfLength(length)) !== undefined)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("for every edit of a token, the result is malformed, or its text or MAC differs from the original", () => {
    const token = `${encodeClaims(sample)}.${MAC}`;
    fc.assert(
      fc.property(
        fc.nat(token.length - 1),
        fc.constantFrom(..."019azAZ.-_p"),
        fc.constantFrom(0, 1),
        (at, char, cut) => {
          const edited = token.slice(0, at) + char + token.slice(at + cut);
          fc.pre(edited !== token);
          const read = parseToken(edited);
          if (read) expect(`${read.text}.${read.mac}`).toBe(edited);
          if (read) expect(read.text === encodeClaims(sample) && read.mac === MAC).toBe(false);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("different claims have different encoded texts", () => {
    fc.assert(
      fc.property(claims, claims, (a, b) => {
        if (JSON.stringify(a) !== JSON.stringify(b)) expect(encodeClaims(a)).not.toBe(encodeClaims(b));
      }),
    );
  });

  it("parseToken never throws for arbitrary text and returns undefined if a part is not valid", () => {
    fc.assert(fc.property(fc.string({ maxLength: 700 }), (text) => parseToken(text) === undefined));
    const parts = `${encodeClaims(sample)}.${MAC}`.split(".");
    fc.assert(
      fc.property(
        fc.nat(9),
        fc.constantFrom("", " ", "__proto__", "ü", "0", "-1", "1e9", "x".repeat(41), "\n"),
        (at, junk) => {
          const read = parseToken(parts.with(at, junk).join("."));
          if (read) expect([1, 3, 5, 6, 7, 8]).toContain(at);
        },
      ),
    );
    expect(parseToken(`${encodeClaims(sample)}.${MAC}.x`)).toBeUndefined();
    expect(parseToken(`${encodeClaims(sample)}.${MAC}`.padEnd(513, "x"))).toBeUndefined();
  });

  it.each([
    ["attempt 0", { attempt: 0 }],
    ["a path outside any lineage", { path: "1-2" }],
    ["an id that is not a flow id", { flowId: "flow_x" }],
    ...(["keyId", "provider", "account"] as const).flatMap((field): [string, Partial<CallbackClaims>][] => [
      [`an empty ${field}`, { [field]: "" }],
      [`a ${field} with anything but letters, digits, - and _`, { [field]: "a/b" }],
      [`a ${field} that is valid only at its end`, { [field]: "%a" }],
      [`a ${field} that is valid only at its start`, { [field]: "a%" }],
      [`a ${field} longer than 40 characters`, { [field]: "a".repeat(41) }],
    ]),
  ] as [string, Partial<CallbackClaims>][])("parseToken returns undefined for %s", (_, wrong) => {
    expect(parseToken(`${encodeClaims({ ...sample, ...wrong })}.${MAC}`)).toBeUndefined();
  });

  it.each([
    [4, "1x", "an attempt that is a number only at its start"],
    [4, "1000000", "an attempt with more than six digits"],
    [7, "", "an empty expiry"],
    [7, "-1", "an expiry that is valid only at its end"],
    [7, "1_", "an expiry that is valid only at its start"],
    [7, "zzzzzzzzzz", "an expiry with more than nine characters"],
    [8, "xp", "policy flags that are valid only at their end"],
    [8, "px", "policy flags that are valid only at their start"],
    [8, "cp", "policy flags in the wrong order"],
    [9, "m".repeat(42), "a MAC that is too short"],
    [9, "m".repeat(44), "a MAC that is too long"],
  ] as const)("parseToken returns undefined if part %i is %j: %s", (at, part, _) => {
    const parts = `${encodeClaims(sample)}.${MAC}`.split(".");
    expect(parseToken(parts.with(at, part).join("."))).toBeUndefined();
  });

  it.each([
    [false, false, "n"],
    [true, false, "p"],
    [false, true, "c"],
    [true, true, "pc"],
  ])("the last part contains the policy flags (progress %s, calling %s)", (progress, calling, flags) => {
    expect(
      encodeClaims({ ...sample, progress, calling })
        .split(".")
        .at(-1),
    ).toBe(flags);
  });

  it("the expiry is rounded down to a whole second", () => {
    const read = parseToken(`${encodeClaims({ ...sample, expiresAt: NOW + 999 })}.${MAC}`);
    expect(read?.claims.expiresAt).toBe(NOW);
  });
});

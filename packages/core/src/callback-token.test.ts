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

describe("the hook token", () => {
  it("says again what it was made of", () => {
    fc.assert(
      fc.property(claims, (made) => {
        const text = encodeClaims(made);
        expect(parseToken(`${text}.${MAC}`)).toEqual({ text, mac: MAC, claims: made });
      }),
    );
  });

  it("survives every URL's path as it is", () => {
    fc.assert(
      fc.property(claims, (made) => {
        const token = `${encodeClaims(made)}.${MAC}`;
        expect(new URL(`https://x/callbacks/${token}`).pathname).toBe(`/callbacks/${token}`);
        expect(encodeURIComponent(token)).toBe(token);
      }),
    );
  });

  it("of the longest path fits its own limit and the vendors'", () => {
    const path = `0${"-199".repeat(39)}`.slice(0, REQUEST.pathLength);
    const long = { ...sample, path, keyId: "k".repeat(40), provider: "p".repeat(40), account: "a".repeat(40) };
    const token = `${encodeClaims({ ...long, attempt: 999_999, calling: true })}.${MAC}`;
    expect(parseToken(token)).toBeDefined();
    expect(token.length).toBeLessThan(512);
  });

  it("is read up to its limit, and not beyond", () => {
    const of = (length: number) => {
      const short = `${encodeClaims({ ...sample, path: "0", attempt: 10 })}.${MAC}`;
      const odd = (length - short.length) % 2;
      const path = `0${"-1".repeat((length - short.length - odd) / 2)}`;
      return `${encodeClaims({ ...sample, path, attempt: odd ? 100 : 10 })}.${MAC}`;
    };
    for (const length of [511, 512, 513]) expect(of(length)).toHaveLength(length);
    expect([511, 512, 513].map((length) => parseToken(of(length)) !== undefined)).toEqual([true, true, false]);
  });

  it("edited anywhere is another text, so that the mac over it no longer fits, or no token at all", () => {
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

  it("two sets of claims never share a text", () => {
    fc.assert(
      fc.property(claims, claims, (a, b) => {
        if (JSON.stringify(a) !== JSON.stringify(b)) expect(encodeClaims(a)).not.toBe(encodeClaims(b));
      }),
    );
  });

  it("garbage is no token, and never throws", () => {
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
    ["an id that is no flow's", { flowId: "flow_x" }],
    ...(["keyId", "provider", "account"] as const).flatMap((field): [string, Partial<CallbackClaims>][] => [
      [`an empty ${field}`, { [field]: "" }],
      [`a ${field} with anything but letters, digits, - and _`, { [field]: "a/b" }],
      [`a ${field} that only ends well`, { [field]: "%a" }],
      [`a ${field} that only begins well`, { [field]: "a%" }],
      [`a ${field} longer than 40`, { [field]: "a".repeat(41) }],
    ]),
  ] as [string, Partial<CallbackClaims>][])("%s is not believed", (_, wrong) => {
    expect(parseToken(`${encodeClaims({ ...sample, ...wrong })}.${MAC}`)).toBeUndefined();
  });

  it.each([
    [4, "1x", "an attempt that only begins as a number"],
    [4, "1000000", "an attempt beyond six digits"],
    [7, "", "no expiry"],
    [7, "-1", "an expiry that only ends as one"],
    [7, "1_", "an expiry that only begins as one"],
    [7, "zzzzzzzzzz", "an expiry beyond nine digits"],
    [8, "xp", "a policy that only ends as one"],
    [8, "px", "a policy that only begins as one"],
    [8, "cp", "a policy in another order"],
    [9, "m".repeat(42), "too short a mac"],
    [9, "m".repeat(44), "too long a mac"],
  ] as const)("with part %i %j: %s, it is not believed", (at, part, _) => {
    const parts = `${encodeClaims(sample)}.${MAC}`.split(".");
    expect(parseToken(parts.with(at, part).join("."))).toBeUndefined();
  });

  it.each([
    [false, false, "n"],
    [true, false, "p"],
    [false, true, "c"],
    [true, true, "pc"],
  ])("its policy is readable (progress %s, calling %s)", (progress, calling, deadLetters) => {
    expect(
      encodeClaims({ ...sample, progress, calling })
        .split(".")
        .at(-1),
    ).toBe(deadLetters);
  });

  it("its expiry is a whole second, never later than asked for", () => {
    const read = parseToken(`${encodeClaims({ ...sample, expiresAt: NOW + 999 })}.${MAC}`);
    expect(read?.claims.expiresAt).toBe(NOW);
  });
});

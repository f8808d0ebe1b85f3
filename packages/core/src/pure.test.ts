/** Core is pure: no clock, random numbers, environment, waiting or I/O, and no import from outside except zod. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const here = new URL("./", import.meta.url);
const sources = readdirSync(here, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));

/** Returns the code without comments. Comments may contain the forbidden words; strings are checked like code. */
function codeOf(name: string): string {
  return readFileSync(new URL(name, here), "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "");
}

const FORBIDDEN: [what: string, sign: RegExp][] = [
  ["await", /\bawait\b/],
  ["async functions", /\basync\b/],
  ["the clock", /\bDate\b|\bperformance\.now\b|\bTemporal\b/],
  ["random numbers", /Math\.random|\bcrypto\b|randomUUID/],
  ["the environment", /\bprocess\.|\bDeno\b|\bglobalThis\b/],
  ["timers", /\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b|queueMicrotask/],
  ["the network", /\bfetch\s*\(|XMLHttpRequest|WebSocket/],
  ["the console", /\bconsole\.\w/],
  ["node's modules", /["']node:/],
  ["require", /\brequire\s*\(/],
];

describe("sources of core", () => {
  it("the test finds the source files", () => expect(sources.length).toBeGreaterThan(10));

  it.each(sources)("%s is pure", (name) => {
    const code = codeOf(name);
    for (const [what, sign] of FORBIDDEN) expect(sign.exec(code)?.[0], what).toBeUndefined();
    const imports = [...code.matchAll(/^(?:import\b[^;"']*|export (?:type )?[*{][^;"']*)["']([^"']+)["'];/gm)].map(
      (match) => match[1]!,
    );
    for (const from of imports) expect(from).toMatch(/^(\.\.?\/([a-z-]+\/)?[a-z-]+\.ts|zod(\/mini)?)$/);
  });

  it("the sources have no dynamic imports", () => {
    for (const name of sources) expect(codeOf(name)).not.toMatch(/import\s*\(/);
  });
});

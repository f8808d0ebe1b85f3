/** Each function as it would be uploaded: that it can be bundled, that it loads, and that nobody's weight creeps in. */
import { beforeAll, expect, test } from "vitest";
import { evaluated } from "./evaluated.ts";
import type { Build } from "./model.ts";

let builds: Build[];

beforeAll(async () => {
  ({ builds } = await evaluated("production", { flags: ["--build"] }));
});

const build = (name: string) => builds.find((candidate) => candidate.name === name)!;

/** Minified, in kB. Raise one on purpose, never because it is in the way: it is every cold start's. */
test.each([
  ["Api", 800],
  ["Callback", 480],
  ["Submit", 740],
  ["Sweep", 490],
  ["Deadletter", 470],
])("%s stays within %i kB", (name, budget) => {
  expect(build(name).bytes).toBeGreaterThan(0);
  expect(build(name).bytes! / 1_000).toBeLessThan(budget);
});

test.each([
  ["Callback", "hono"],
  ["Callback", "@aws-sdk/client-s3"],
  ["Sweep", "hono"],
  ["Sweep", "@aws-sdk/client-s3"],
  ["Deadletter", "hono"],
  ["Deadletter", "@aws-sdk/client-s3"],
])("%s goes without %s", (name, dependency) => {
  expect(build(name).packages).not.toHaveProperty(dependency);
  // Where it belongs it is found: otherwise this would look for nothing.
  expect(build("Api").packages).toHaveProperty(dependency);
});

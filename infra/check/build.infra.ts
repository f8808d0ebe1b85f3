/** Each function as it would be uploaded: that it can be bundled, that it loads, and that nobody's weight creeps in. */
import { beforeAll, expect, test } from "vitest";
import { evaluated } from "./evaluated.ts";
import type { Build } from "./model.ts";

let builds: Build[];

beforeAll(async () => {
  ({ builds } = await evaluated("production", { flags: ["--build"] }));
});

const build = (name: string) => builds.find((candidate) => candidate.name === name)!;

/** What a cold start reads, minified, in kB. Raise one on purpose, never because it is in the way. */
test.each([
  ["Api", 450],
  ["Callback", 370],
  ["Submit", 390],
  ["Sweep", 380],
  ["Deadletter", 360],
])("%s starts with less than %i kB", (name, budget) => {
  expect(build(name).eagerBytes).toBeGreaterThan(0);
  expect(build(name).eagerBytes! / 1_000).toBeLessThan(budget);
});

// Split bundles carry a file of it even where nothing imports it any more: esbuild makes one for each `import()` it reads.
test.each(["Api", "Callback", "Submit", "Sweep", "Deadletter"])("%s starts without S3", (name) => {
  expect(build(name).eagerPackages).toHaveProperty(["@aws-sdk/client-dynamodb"]);
  expect(build(name).eagerPackages).not.toHaveProperty(["@aws-sdk/client-s3"]);
});

test.each(["Api", "Submit"])("%s has S3 for when it needs it", (name) => {
  expect(build(name).packages).toHaveProperty(["@aws-sdk/client-s3"]);
});

test("only the API has a framework", () => {
  expect(builds.filter(({ packages }) => packages?.["hono"]).map(({ name }) => name)).toEqual(["Api"]);
});

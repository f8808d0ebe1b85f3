/** Checks what the real sst program does with this project: it runs in a copy, against a fake of AWS on loopback. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyProject } from "./cli.mjs";

let copy: Awaited<ReturnType<typeof copyProject>>;

beforeAll(async () => {
  copy = await copyProject();
});
afterAll(() => copy.close());

/** Without types, `npm run verify` of the next upgrade would stop at generated files that are not formatted. */
test("sst leaves the project unchanged after diff, deploy and secret, also when they fail, and twice in a row", async () => {
  const commands: [string[], Record<string, string>?][] = [
    [["secret", "set", "HookKey", "a value", "--stage", "trial"]],
    [["diff", "--stage", "trial"]],
    [["deploy", "--stage", "trial"]],
    [["diff", "--stage", "trial"]],
    [["deploy", "--stage", "trial"]],
    [["deploy", "--stage", "trial"], { PULUMI_EXIT_CODE: "1" }],
    [["diff", "--stage", "production"], { PULUMI_EXIT_CODE: "1" }],
  ];
  for (const [args, env] of commands) {
    const { code, output } = await copy.sst(args, env);
    expect(code, output).toBe(env ? 1 : 0);
    expect(copy.git("status", "--short"), `after sst ${args.join(" ")}`).toBe("");
  }
});

/** The other commands of docs/deploy.md and docs/operations.md. */
test("sst leaves the project unchanged after every other command of the documents", async () => {
  const commands: [string[], number][] = [
    [["version"], 0],
    [["secret", "set", "PreviousHookKey", "a value", "--stage", "trial"], 0],
    [["secret", "list", "--stage", "trial"], 0],
    [["secret", "remove", "PreviousHookKey", "--stage", "trial"], 0],
    [["refresh", "--stage", "trial"], 0],
    [["unlock", "--stage", "trial"], 0],
    [["remove", "--stage", "trial"], 0],
    [["deploy", "--stage", "trial"], 0],
    [["deploy", "--stage", "production"], 0],
    [["remove", "--stage", "production"], 1],
  ];
  for (const [args, wanted] of commands) {
    const { code, output } = await copy.sst(args);
    expect(code, `sst ${args.join(" ")}\n${output}`).toBe(wanted);
    expect(copy.git("status", "--short"), `after sst ${args.join(" ")}`).toBe("");
    if (args.join(" ") === "remove --stage production") expect(output).toContain("Cannot remove protected stage");
  }
});

test("the documented line of an upgrade runs twice in a row, and its linter reads no file of sst", async () => {
  const operations = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const line = /## Upgrade\n\n```sh\n(.*)\n```/.exec(operations)?.[1];
  expect(line).toMatch(/^git pull && npm ci && npm run verify && .*sst diff .*sst deploy/);
  // `npm ci` and the tests take minutes. What stopped the second upgrade once was the linter.
  const npm = 'echo "npm $*"; [ "$*" != "run verify" ] || node_modules/.bin/biome check .';
  for (const version of ["one", "two"]) {
    copy.publish("docs/next.md", version);
    const { code, output } = await copy.shell(line!, { npm });
    expect(code, output).toBe(0);
    expect(output).toContain("npm run verify");
    expect(readFileSync(`${copy.project}/docs/next.md`, "utf8")).toBe(version);
    expect(copy.git("status", "--short")).toBe("");
  }
}, 180_000);

test("without a region sst stops before it makes its own buckets, and says what to set", async () => {
  // Without the fake of AWS, a call would leave this machine: the region is no host name, so there is none.
  const { code, output } = await copy.sst(["diff", "--stage", "trial"], { AWS_REGION: "", AWS_ENDPOINT_URL: "" });
  expect(code).toBe(1);
  expect(output).toContain("set AWS_REGION in the file .env");
});

test("sst reads settings from .env and .env.<stage>, which git ignores", async () => {
  await copy.edit(".env", () => "AWS_REGION=eu-north-1\n");
  await copy.edit(".env.trial", () => "MJFLOW_BUS=on\n");
  const { code, output } = await copy.sst(["diff", "--stage", "trial"], { AWS_REGION: undefined });
  expect(code, output).toBe(0);
  expect(copy.git("status", "--short")).toBe("");
});

test("the guide's settings and secrets work as written, and a second run overwrites no key", async () => {
  const guide = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");
  const blocks = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text!);
  const script = blocks.filter((text) => /> \.env|secret set/.test(text)).join("\n");
  const first = await copy.shell(script);
  expect(first.code, first.output).toBe(0);
  // What the guide says that its last check prints.
  for (const name of ["HookKey", "VaultKey", "ApiKey", "Providers"])
    expect(first.output, name).toMatch(new RegExp(`^${name}$`, "m"));
  expect(copy.git("status", "--short")).toBe("");
  // SST lists secrets in any order, and writes empty lines of its own at any place.
  const listed = async () => {
    const { output } = await copy.sst(["secret", "list", "--stage", "trial"]);
    return output
      .split("\n")
      .filter((line) => /^\w+=/.test(line))
      .sort();
  };
  const keys = await listed();
  expect(keys.map((line) => line.split("=")[0])).toEqual(["ApiKey", "HookKey", "Providers", "VaultKey"]);
  const values = keys.filter((line) => /^(HookKey|VaultKey|ApiKey)=/.test(line)).map((line) => line.split("=")[1]);
  expect(new Set(values).size).toBe(3);
  expect((await copy.shell(script)).code).toBe(0);
  expect(await listed()).toEqual(keys);
});

test("the check sees it if sst writes its types into the project", async () => {
  const config = await copy.edit("sst.config.ts", (text) => text.replace(/types: \{[^}]*\},/, ""));
  await copy.sst(["diff", "--stage", "trial"]);
  expect(copy.git("status", "--short")).toContain("packages/core/sst-env.d.ts");
  copy.git("checkout", "--quiet", ".");
  copy.git("clean", "--quiet", "--force", "-d");
  expect(config).not.toContain("types:");
});

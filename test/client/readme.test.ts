/** Runs the examples of the README unchanged against a running local server and checks their types. */
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const readme = readFileSync(join(ROOT, "packages/client/README.md"), "utf8");
const examples = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code!);
const run = promisify(execFile);

let server: SpawnedServer;
/** Folder within the repository, so that the examples can import the package by its name. */
let folder: string;
const fileOf = (n: number) => join(folder, `example-${n}.ts`);

beforeAll(async () => {
  server = await spawnServer();
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  folder = mkdtempSync(join(ROOT, ".tmp/client-readme-"));
  for (const [n, code] of examples.entries()) writeFileSync(fileOf(n), `${code}\nexport {};\n`);
}, 30_000);
afterAll(async () => {
  await server?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function output(n: number): Promise<string[]> {
  const env = { PATH: process.env.PATH, MJFLOW_URL: server.url, MJFLOW_API_KEY: API_KEY };
  const { stdout } = await run(process.execPath, [fileOf(n)], { env, timeout: 40_000 });
  return stdout.trim().split("\n");
}

describe("examples of the README", () => {
  test("the README has seven examples, and all of them compile", async () => {
    expect(examples).toHaveLength(7);
    const config = join(folder, "tsconfig.json");
    writeFileSync(config, JSON.stringify({ extends: "../../tsconfig.json", include: ["*.ts"] }));
    await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", config]);
  }, 60_000);

  test("the first example prints the pictures at the ends of the plan", async () => {
    const lines = await output(0);
    expect(lines.map((line) => line.replace(/ http\S+$/, " image"))).toEqual(["U1 image", "zoom:2 image"]);
  }, 60_000);

  test("the example of run prints the failed branch and what was finished", async () => {
    expect(await output(1)).toEqual(["[ 'U9: press_not_offered' ]", "[ 'U1' ]"]);
  }, 60_000);

  test("the example of stream prints the progress and the images", async () => {
    const lines = await output(2);
    expect(lines.some((line) => /^imagine \d+%$/.test(line))).toBe(true);
    expect(lines.filter((line) => line.includes("http")).map((line) => line.split(" ")[0])).toEqual(["imagine", "U1"]);
  }, 60_000);

  test("the example of waiting prints the progress and the end", async () => {
    const lines = await output(3);
    expect(lines[0]).toMatch(/^flow_/);
    expect(lines.at(-2)).toBe("SUCCESS 100%");
    expect(lines.at(-1)).toBe("completed");
  }, 60_000);

  test("the example of events prints the image and the end of the flow", async () => {
    const lines = await output(4);
    expect(lines[0]).toMatch(/^http/);
    expect(lines.at(-1)).toMatch(/^flow_\w+ is done$/);
  }, 60_000);

  test("the example of errors prints the offered buttons", async () => {
    const lines = await output(5);
    expect(lines.join("\n")).toContain("'U1'");
  }, 60_000);

  test("the example of webhooks accepts a signed webhook and rejects a forged one", async () => {
    const secret = Buffer.alloc(32, 7).toString("base64");
    process.env.WEBHOOK_SECRET = `whsec_${secret}`;
    const { POST } = (await import(fileOf(6))) as { POST(request: Request): Promise<Response> };
    const body = JSON.stringify({ type: "flow.completed", timestamp: new Date().toISOString(), data: { state: "7" } });
    const at = String(Math.floor(Date.now() / 1_000));
    const hmac = createHmac("sha256", Buffer.from(secret, "base64")).update(`evt_1.${at}.${body}`).digest("base64");
    const post = (signature: string) =>
      POST(
        new Request("https://app.example/hook", {
          method: "POST",
          headers: { "webhook-id": "evt_1", "webhook-timestamp": at, "webhook-signature": signature },
          body,
        }),
      );
    expect((await post(`v1,${hmac}`)).status).toBe(204);
    expect((await post(`v1,${"A".repeat(43)}=`)).status).toBe(401);
    delete process.env.WEBHOOK_SECRET;
  });
});

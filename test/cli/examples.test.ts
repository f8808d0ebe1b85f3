/** Runs every example unchanged against a running local server and checks that it prints what its README shows. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const EXAMPLES = join(ROOT, "examples");
const folders = readdirSync(EXAMPLES).filter((name) => /^\d\d-/.test(name));
const run = promisify(execFile);

let server: SpawnedServer;
/** The seventh example starts before the local server, because the server puts its events on this bus. */
let bus: { child: ChildProcess; lines(): string[] };
beforeAll(async () => {
  bus = await startBus();
  const [, url] = /^AWS_ENDPOINT_URL_EVENTBRIDGE=(\S+) /.exec(bus.lines()[0]!)!;
  server = await spawnServer({ env: { AWS_ENDPOINT_URL_EVENTBRIDGE: url!, MJFLOW_BUS: "pictures" } });
}, 90_000);
afterAll(async () => {
  await server?.stop();
  bus?.child.kill();
});

const environment = (env: Record<string, string> = {}) => ({ PATH: process.env["PATH"], ...env });
const fileOf = (folder: string) =>
  ["main.ts", "main.mjs"].map((name) => join(EXAMPLES, folder, name)).find(existsSync)!;

async function output(folder: string, env: Record<string, string> = {}): Promise<string[]> {
  const options = { env: environment({ MJFLOW_URL: server.url, MJFLOW_API_KEY: API_KEY, ...env }), timeout: 60_000 };
  const { stdout, stderr } = await run(process.execPath, [fileOf(folder)], options);
  expect(stderr).toBe("");
  expect(stdout).not.toContain(API_KEY);
  return stdout.trim().split("\n");
}

async function startBus() {
  const child = spawn(process.execPath, [fileOf("07-event-bus")], { env: environment({ PORT: "0" }) });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk));
  const lines = () => text.trim().split("\n");
  await until(
    async () => text,
    (output) => output.includes("\n"),
  );
  return { child, lines };
}

/** A Node of this machine that runs no TypeScript: from 20.3 to 22.17. */
const oldNode = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((part) => join(part, "node"))
  .filter((path) => !path.includes("node_modules") && existsSync(path))
  .find((path) => {
    const [major = 0, minor = 0] = execFileSync(path, ["-p", "process.versions.node"])
      .toString()
      .split(".")
      .map(Number);
    return (major === 20 && minor >= 3) || major === 21 || (major === 22 && minor < 18);
  });

const IMAGE = "http:\\/\\/127\\.0\\.0\\.1:\\d+\\/images\\/\\d+\\.png";

describe("examples", () => {
  test("there are seven examples, each with a README that names its file, and all are listed", () => {
    expect(folders).toHaveLength(7);
    const list = readFileSync(join(EXAMPLES, "README.md"), "utf8");
    for (const folder of folders) {
      const readme = readFileSync(join(EXAMPLES, folder, "README.md"), "utf8");
      expect(readme).toContain(`node ${fileOf(folder).slice(ROOT.length)}`);
      expect(list).toContain(`[${folder}](${folder})`);
    }
  });

  test("npm run example finds an example by its number, and lists them without one", async () => {
    const env = environment({ MJFLOW_URL: server.url, MJFLOW_API_KEY: API_KEY });
    const options = { env, timeout: 60_000, cwd: ROOT };
    for (const name of ["01", "1", "01-one-picture"]) {
      const { stdout } = await run(process.execPath, ["examples/run.mjs", name], options);
      expect(stdout).toMatch(new RegExp(`^completed ${IMAGE}\\n$`));
    }
    const { stdout } = await run(process.execPath, ["examples/run.mjs"], options);
    for (const folder of [...folders, "python"]) expect(stdout).toContain(folder);
  }, 90_000);

  test.each([
    [["09"], {}, 'There is no example "09"'],
    [["01"], { MJFLOW_URL: "http://127.0.0.1:9" }, "Start the local server in another terminal: `npm start`."],
    [["01"], { MJFLOW_API_KEY: "", MJFLOW_DATA_DIR: "/nowhere" }, "Set MJFLOW_API_KEY"],
    [["python"], { PATH: "/nowhere" }, "needs Python 3.9"],
  ])("npm run example %j with %j says what is missing", async (args, env, what) => {
    const all = environment({ MJFLOW_URL: server.url, MJFLOW_API_KEY: API_KEY, ...env });
    const failed = await run(process.execPath, ["examples/run.mjs", ...args], { env: all, cwd: ROOT }).catch((e) => e);
    expect([failed.code, failed.stdout]).toEqual([1, ""]);
    expect(failed.stderr).toContain(what);
    expect(failed.stderr).not.toContain("    at ");
  });

  test.skipIf(oldNode === undefined)(
    "an older Node of this machine runs the TypeScript examples, too",
    async () => {
      const options = {
        env: environment({ MJFLOW_URL: server.url, MJFLOW_API_KEY: API_KEY }),
        timeout: 60_000,
        cwd: ROOT,
      };
      const plan = await run(oldNode!, ["examples/run.mjs", "02"], options);
      expect(plan.stdout).toContain("completed, 4 submissions, 0 look-ups");
      const receiver = await run(oldNode!, ["examples/run.mjs", "05"], options);
      expect(receiver.stdout).toContain("flow.completed order 7");
    },
    90_000,
  );

  test("example 01 prints the status and the URL of the image", async () => {
    const lines = await output("01-one-picture");
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^completed ${IMAGE}$`))]);
  }, 90_000);

  test("example 02 prints each finished task, the lineage and the counts", async () => {
    const lines = await output("02-a-plan");
    expect(lines[0]).toMatch(/^flow_\w{26}$/);
    const done = lines.filter((line) => line.startsWith("done: "));
    expect(done.sort()).toEqual(["done: U1", "done: U2", "done: imagine", "done: zoom:2"]);
    expect(lines.slice(-5, -1).map((line) => line.replace(new RegExp(` ${IMAGE}$`), " image"))).toEqual([
      "imagine image",
      "  U1 image",
      "  U2 image",
      "    zoom:2 image",
    ]);
    expect(lines.at(-1)).toBe("completed, 4 submissions, 0 look-ups");
  }, 90_000);

  test("example 03 answers one modal in the plan and one from the app", async () => {
    expect(await output("03-a-modal")).toEqual([
      "answered by the plan: SUCCESS",
      "waiting: MODAL",
      expect.stringMatching(/^answered by the app: SUCCESS a paper boat at sea/),
    ]);
  }, 90_000);

  test("example 04 creates several flows and finds them by their state", async () => {
    const lines = await output("04-many-flows", { COUNT: "6" });
    expect(lines).toEqual(["6 sent", "6 completed, 12 submissions", "6 found again"]);
  }, 90_000);

  test("example 05 prints verified events and rejects a forged event", async () => {
    const lines = await output("05-webhook-receiver");
    expect(lines[0]).toBe("rejected: A webhook- header is missing.");
    // The events may arrive in any order.
    expect(lines.slice(1).sort()).toEqual([
      "flow.completed order 7",
      expect.stringMatching(new RegExp(`^task.completed U1 ${IMAGE}$`)),
      expect.stringMatching(new RegExp(`^task.completed imagine ${IMAGE}$`)),
    ]);
  }, 90_000);

  test("example 06 runs an unmodified client of midjourney-proxy", async () => {
    const lines = await output("06-compat-api");
    expect(lines[0]).toMatch(new RegExp(`^IMAGINE 100% ${IMAGE}$`));
    expect(lines[1]).toBe("buttons: U1 U2 U3 U4 🔄 V1 V2 V3 V4");
    expect(lines[2]).toMatch(new RegExp(`^UPSCALE 100% ${IMAGE}$`));
  }, 90_000);

  test("example 07 prints every event of a flow", async () => {
    const flow = await server.ended(await server.start({ state: "of the bus" }));
    const [task] = flow.tasks;
    const expected = [
      `pictures: mjflow task.submitted ${task.id} of the bus`,
      `pictures: mjflow task.completed ${task.id} of the bus`,
      `pictures: mjflow flow.completed ${flow.id} of the bus`,
    ];
    await until(
      async () => expected.filter((line) => !bus.lines().includes(line)),
      (missing) => missing.length === 0,
    );
  }, 90_000);
});

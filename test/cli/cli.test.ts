/** Tests of the command line against a running local server: output and exit codes. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run as runCli } from "@mjflow/cli/run";
import { Screen } from "@mjflow/cli/test-screen";
import type { Task } from "@mjflow/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { mjflow, type RunOptions, start } from "./test-mjflow.ts";

const second = 1_000;
const pace = (ms: number) => ({ turbo: ms, fast: ms, relax: ms, video: ms });
/** Timings with which a task without callbacks is looked up after two seconds. */
const SHORT_TIMINGS = JSON.stringify({
  quietMs: pace(2 * second),
  unknownMs: 2 * second,
  silentMs: second,
  lookupMs: second,
});

let localServer: SpawnedServer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-cli-"));
  localServer = await spawnServer({ env: { MJFLOW_TIMINGS: SHORT_TIMINGS } });
}, 60_000);
afterAll(async () => {
  await localServer?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => mjflow(localServer, args);
const runWith = (options: RunOptions, ...args: string[]) => mjflow(localServer, args, options);
/** Creates a flow with these arguments and returns its JSON. The flow has ended unless `--no-wait` is given. */
const createFlow = async (...args: string[]) => (await run("imagine", "a paper boat", "--json", ...args)).json;
const NO_FLOW = "flow_00000000000000000000000000";

describe("mjflow imagine", () => {
  test("imagine prints progress bars, then the tree, and exits with 0", async () => {
    const args = ["imagine", "a paper boat", "--then", "upscale:all", "--then", "U2>zoom:2"];
    const { code, stdout, stderr } = await start(localServer, args).ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^flow_\w{26}\n$/);
    expect(stdout).toMatch(/^ {2}imagine +░{28} +0% {2}submit/m);
    expect(stdout).toMatch(/^ {2}imagine +█{28} 100% {2}success$/m);
    expect(stdout).toMatch(/^ {2}imagine +✓ task_\w+_0 +http:\S+\.png$/m);
    for (const n of [1, 2, 3])
      expect(stdout).toMatch(new RegExp(`^ {2}├─ upscale:${n} +✓ task_\\w+_0-${n - 1} +http`, "m"));
    expect(stdout).toMatch(/^ {2}│ {2}└─ zoom:2 +✓ task_\w+_0-1-0 +http/m);
    expect(stdout).toMatch(/^ {2}└─ upscale:4 +✓ task_\w+_0-3 +http/m);
    expect(stdout).toMatch(/6 submissions · \d+ callbacks/);
    // The output is a pipe, so there are no cursor movements and no colors.
    expect(stdout).not.toContain("\u001b");
  });

  test("imagine --json prints only the flow", async () => {
    const { code, json, stderr } = await run("imagine", "a paper boat", "--then", "U1", "--state", "order 7", "--json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(json).toMatchObject({ status: "completed", state: "order 7", prompt: "a paper boat" });
    expect(json.tasks.map(({ press, status }: Task) => [press, status])).toEqual([
      [null, "SUCCESS"],
      ["U1", "SUCCESS"],
    ]);
  });

  test("imagine --no-wait prints the watch command, and watch follows the flow until it ends", async () => {
    const { code, stdout } = await run("imagine", "a paper boat", "--no-wait");
    const [id, hint] = stdout.trim().split("\n");
    expect([code, hint!.trim()]).toEqual([0, `mjflow watch ${id}`]);
    const watched = await run("watch", id!);
    expect(watched.code).toBe(0);
    expect(watched.stdout).toContain(`${id}  completed`);
  });

  test("video, edit and retexture make a flow from an image file or a link", async () => {
    const png = join(folder, "a.png");
    writeFileSync(png, Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB", "base64"));
    const film = await run(
      "video",
      png,
      "waves",
      "--motion",
      "high",
      "--batch-size",
      "2",
      "--then",
      "extend:low:2",
      "--json",
    );
    expect(film).toMatchObject({ code: 0, json: { action: "video", status: "completed", prompt: "waves" } });
    expect(film.json.tasks.map(({ action }: { action: string }) => action)).toEqual(["VIDEO", "VIDEO"]);
    expect(film.json.tasks[0].videos).toHaveLength(2);
    const loop = ["video", "https://x.test/a.png", "--loop", "--video-type", "vid_1.1_i2v_720", "--no-wait", "--json"];
    expect((await run(...loop)).code).toBe(0);
    const edited = await run("edit", png, "in snow", "--mask", png, "--json");
    expect(edited).toMatchObject({ code: 0, json: { action: "edit", status: "completed" } });
    expect((await run("retexture", png, "of wood", "--json")).json).toMatchObject({ action: "retexture" });
  });

  test("blend, describe, shorten and swap-face make a flow", async () => {
    const png = join(folder, "b.png");
    writeFileSync(png, Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB", "base64"));
    const blended = await run("blend", png, png, "--dimensions", "portrait", "--niji", "--json");
    expect(blended).toMatchObject({ code: 0, json: { action: "blend", status: "completed" } });
    const described = await run("describe", png, "--json");
    expect(described).toMatchObject({ code: 0, json: { action: "describe", tasks: [{ text: expect.any(String) }] } });
    const shortened = await run("shorten", "a very small paper boat", "--json");
    expect(shortened).toMatchObject({ code: 0, json: { action: "shorten", status: "completed" } });
    const swapped = await run("swap-face", png, png, "--json");
    expect(swapped).toMatchObject({ code: 0, json: { action: "swap-face", status: "completed" } });
  });

  test("imagine reads a plan from a file or from standard input", async () => {
    const plan = JSON.stringify([{ press: ["U1", "U2"] }]);
    const file = join(folder, "plan.json");
    writeFileSync(file, plan);
    const args = ["imagine", "a paper boat", "--json", "--plan"];
    for (const { json } of [
      await run(...args, file),
      await start(localServer, [...args, "-"], { input: plan }).ended,
    ]) {
      expect(json.tasks.map(({ press }: Task) => press)).toEqual([null, "U1", "U2"]);
    }
  });

  test("two calls with the same idempotency key create one flow", async () => {
    const key = ["--idempotency-key", `cli-${Date.now()}`, "--no-wait"];
    const [one, two] = [await createFlow(...key), await createFlow(...key)];
    expect(two.id).toBe(one.id);
  });

  test("the URL of --notify-hook receives the events, and no event contains the API key", async () => {
    const bodies: string[] = [];
    const [server, url] = await listening((body) => bodies.push(body));
    expect((await run("imagine", "a boat", "--notify-hook", url, "--events", "flow.completed")).code).toBe(0);
    await until(
      async () => bodies.length,
      (n) => n > 0,
    );
    server.close();
    expect(bodies.map((body) => JSON.parse(body).type)).toEqual(["flow.completed"]);
    expect(bodies.join()).not.toContain(API_KEY);
  });
});

describe("exit codes", () => {
  test("the exit code is 1 if the flow failed", async () => {
    const { code, stdout, stderr } = await run("imagine", "a boat --sim fail");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ {2}imagine +✗ task_\w+ +\S+/m);
    expect(stderr).toContain("1 of 1 did not succeed: imagine");
  });

  test("a failed branch is reported with exit code 0, and with exit code 1 if --strict is set", async () => {
    const lenient = await run("imagine", "a boat", "--then", "U9");
    expect(lenient.code).toBe(0);
    expect(lenient.stderr).toContain("1 of 2 did not succeed: U9");
    expect(lenient.stdout).toContain("offered buttons: U1, U2, U3, U4");
    expect((await run("imagine", "a boat", "--then", "U9", "--strict", "--json")).code).toBe(1);
  });

  test("the exit code is 1 if the flow does not exist", async () => {
    const { code, stderr, stdout } = await run("flow", NO_FLOW);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("(not_found)");
  });

  test.each([
    [["imagine"], "An argument is missing"],
    [["video"], "An argument is missing"],
    [["video", "https://x.test/a.png", "--motion", "wild"], "--motion must be one of low, high"],
    [["video", "https://x.test/a.png", "--batch-size", "3"], "--batch-size must be one of 1, 2, 4"],
    [["video", "missing.png"], "The image: the file cannot be read"],
    [["edit", "https://x.test/a.png"], "An argument is missing"],
    [["blend", "https://x.test/a.png"], "An argument is missing"],
    [["blend", "https://x.test/a.png", "https://x.test/b.png", "--dimensions", "round"], "--dimensions must be one of"],
    [["describe", "missing.png"], "The image: the file cannot be read"],
    [["open", "boat"], "Give the id of a flow or of a task"],
    [["completion", "cmd"], "must be one of bash, zsh, fish"],
    [["listen", "--forward-to", "ftp://x"], "--forward-to must be a URL like"],
    [["listen", "--forward-to", "http://u:p@localhost:1"], "--forward-to must not contain credentials"],
    [["listen", "--events", "flow.started"], "--events must be one of"],
    [["trigger", "task.completed"], "Name the receiver"],
    [["trigger", "task.painted", "--to", "http://localhost:1"], "The event must be one of"],
    [["trigger", "task.completed", "--to", "ep_1"], "Set MJFLOW_WEBHOOK_SECRET"],
    [["trigger", "endpoint.test", "--to", "http://localhost:1"], "needs the id of a webhook endpoint"],
    [["imagine", "a", "boat"], 'Unexpected argument "boat"'],
    [["imagine", "a boat", "--colour"], "Unknown option '--colour'"],
    [["imagine", "a boat", "--mode", "slow"], "--mode must be one of fast, relax, turbo"],
    [["imagine", "a boat", "--then", "U1>"], "a press is missing"],
    [["imagine", "a boat", "--timeout", "soon"], "--timeout must be a duration"],
    [["imagine", "a boat", "--plan", "/nowhere.json"], "--plan: the file cannot be read"],
    [["imagine", "a boat", "--provider", "nobody"], "No such provider"],
    [["imagine", ""], "prompt"],
    [["press", "task_1"], "An argument is missing"],
    [["modal", "task_1"], "Give a modal answer"],
    [["modal", "task_1", "--mask", "/nowhere.png"], "--mask: the file cannot be read (ENOENT)"],
    [["endpoints", "paint"], "has the subcommands list, add"],
    [["replay", "dlv_1", "--all"], "need an endpoint"],
    [["keys", "create"], "Name the app of the key"],
    [["flows", "--limit", "none"], "--limit must be a whole number"],
    [["flows", "--url", "ftp://x"], "--url must start with http"],
    [["draw"], 'Unknown command "draw"'],
    [["flow_"], "Do you mean flow?"],
  ])("mjflow %j exits with 2 and starts nothing", async (args, why) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toContain(why);
    expect(stderr).not.toContain("    at ");
    expect([code, stdout]).toEqual([2, ""]);
  });

  test("a separate process exits with the same codes", async () => {
    const codes = [["flows"], ["flow", NO_FLOW], ["nope"], ["flows", "--url", "http://127.0.0.1:9"]].map(
      async (args) => (await start(localServer, args).ended).code,
    );
    expect(await Promise.all(codes)).toEqual([0, 1, 2, 3]);
  });

  test("the exit code is 3 if the server cannot be reached", async () => {
    const { code, stderr } = await mjflow({ url: "http://127.0.0.1:9" }, ["flows"]);
    expect(code).toBe(3);
    expect(stderr).toContain("http://127.0.0.1:9 could not be reached");
  });

  test("the exit code is 3 if the key is rejected or missing", async () => {
    const refused = await runWith({ env: { MJFLOW_API_KEY: "mjk_wrong_key_of_mine" } }, "flows");
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain("rejected the key from MJFLOW_API_KEY");
    expect(refused.stdout + refused.stderr).not.toContain("mjk_wrong_key_of_mine");
    const missing = await runWith({ env: { MJFLOW_API_KEY: "" } }, "flows");
    expect(missing.code).toBe(3);
    expect(missing.stderr).toContain("Set MJFLOW_API_KEY");
  });

  test("the exit code is 4 after --timeout, and the flow continues", async () => {
    for (const args of [
      ["imagine", "a slow boat"],
      ["imagine", "a slow boat", "--json"],
    ]) {
      const { code, stdout, stderr, json } = await run(...args, "--timeout", "10ms");
      expect(code).toBe(4);
      const id = json?.error.flowId ?? /The flow is still running: (\S+)/.exec(stderr)![1];
      expect(`${stdout}${stderr}`).toContain(id);
      expect((await localServer.ended(id)).status).toBe("completed");
    }
  });

  test("watch --json exits with 4 after --timeout", async () => {
    const { id } = await createFlow("--no-wait");
    const { code, json } = await run("watch", id, "--json", "--timeout", "1ms");
    expect(code).toBe(4);
    expect([json].flat().at(-1)).toMatchObject({ error: { code: "timeout", flowId: id } });
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends the command with %d, and the flow continues and is named", async (signal, code) => {
    const running = start(localServer, ["imagine", "a paper boat", "--then", "U1"]);
    await running.said(/░/);
    running.child.kill(signal);
    const ended = await running.ended;
    expect(ended.code).toBe(code);
    const id = /The flow is still running: (\S+)/.exec(ended.stderr)![1]!;
    expect(ended.stderr).toContain(`mjflow watch ${id}`);
    expect((await localServer.ended(id)).counts.submissions).toBe(2);
  });

  test("with --json, errors of the server and of the command line are JSON", async () => {
    const requested = await run("flow", NO_FLOW, "--json");
    expect([requested.code, requested.stderr]).toEqual([1, ""]);
    expect(requested.json.error).toMatchObject({ code: "not_found", status: 404, retry: "never" });
    const typed = await run("flows", "--nope", "--json");
    expect([typed.code, typed.stderr]).toEqual([2, ""]);
    expect(typed.json.error).toMatchObject({ code: "usage" });
  });

  test("a closed pipe ends the command with 141 and without a stack trace", async () => {
    const running = start(localServer, ["imagine", "a paper boat", "--then", "U1"]);
    await running.said(/░/);
    running.child.stdout!.destroy();
    const { code, stderr } = await running.ended;
    expect(code).toBe(141);
    expect(stderr).not.toContain("EPIPE");
  });
});

describe("flows and tasks", () => {
  test("flow, flows and task show the tree, the list, and a task with its buttons", async () => {
    const flow = await createFlow("--state", "of the list", "--then", "U1");
    const [root] = flow.tasks;
    expect((await run("flow", flow.id)).stdout).toContain(root.id);
    expect((await run("flow", flow.id, "--json")).json).toEqual(await localServer.flow(flow.id));
    const { stdout } = await run("flows");
    expect(stdout).toMatch(/^flow +status +started +vendor +state +prompt$/m);
    expect(stdout).toMatch(
      new RegExp(`^${flow.id} +completed +\\d+ s ago +simulator +of the list +a paper boat$`, "m"),
    );
    expect((await run("task", root.id)).stdout).toMatch(/buttons +U1, U2, U3, U4/);
    expect((await run("task", root.id, "--json")).json).toEqual({ ...root, nextInMs: null });
  });

  test("flows returns as many entries as requested, over several pages", async () => {
    for (let i = 0; i < 3; i++) await createFlow("--no-wait");
    const two = (await run("flows", "--limit", "2", "--json")).json;
    expect(two.data).toHaveLength(2);
    expect(two.nextCursor).toEqual(expect.any(String));
    const all = (await run("flows", "--all", "--json")).json;
    expect(all.nextCursor).toBeNull();
    expect(all.data.slice(0, 2)).toEqual(two.data);
    expect(all.data.length).toBeGreaterThan(2);
  });

  test("press follows the new task, and a missing button is rejected with the offered buttons", async () => {
    const { tasks } = await createFlow();
    const pressed = await run("press", tasks[0].id, "U3", "--then", "zoom:2", "--json");
    expect(pressed.code).toBe(0);
    expect(pressed.json).toMatchObject({ press: "U3", parentId: tasks[0].id, status: "SUCCESS" });
    const flow = await localServer.flow(tasks[0].flowId);
    expect(flow.tasks.map(({ press }: Task) => press)).toEqual([null, "U3", "zoom:2"]);
    const missing = await run("press", tasks[0].id, "zoom:2");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("Offered buttons: U1, U2, U3, U4");
  });

  test("press waits while its task waits for a modal answer, and modal submits the answer", async () => {
    const { tasks } = await createFlow("--then", "U1");
    const pressing = run("press", tasks[1].id, "zoom:custom");
    const { id } = await until(
      async () => (await localServer.flow(tasks[0].flowId)).tasks.at(-1),
      ({ status }: Task) => status === "MODAL",
    );
    expect((await run("flow", tasks[0].flowId)).stdout).toContain(`mjflow modal ${id} --prompt`);
    const answered = await run("modal", id, "--prompt", "a boat --zoom 1.6", "--no-wait");
    expect(answered.code).toBe(0);
    const { code, stdout } = await pressing;
    expect(code).toBe(0);
    expect(stdout).toContain("1 modal answer");
  });

  test("press --mask accepts only a PNG file", async () => {
    const [png, text] = [join(folder, "mask.png"), join(folder, "mask.txt")];
    writeFileSync(
      png,
      Buffer.from(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "base64",
      ),
    );
    writeFileSync(text, "no picture");
    const { tasks } = await createFlow("--then", "U1");
    const press = (mask: string) =>
      run("press", tasks[1].id, "vary:region", "--prompt", "a lighthouse", "--mask", mask, "--json");
    expect((await press(text)).code).toBe(2);
    expect((await press(png)).json).toMatchObject({ press: "vary:region", status: "SUCCESS", modals: 1 });
  });

  test("watch --json prints one event per line until the flow ends", async () => {
    const { id } = await createFlow("--no-wait", "--then", "U1");
    const { code, json } = await run("watch", id, "--json");
    expect(code).toBe(0);
    const types = json.map(({ type }: { type: string }) => type);
    expect(types.filter((type: string) => type === "task.completed")).toHaveLength(2);
    expect(types.at(-1)).toBe("flow.completed");
  });
});

describe("pictures, delete, templates, rerun and batch", () => {
  test("pictures lists results with links, and delete removes them with their flow", async () => {
    const { id, tasks } = await createFlow("--then", "U1");
    const { stdout } = await run("pictures", "--flow", id);
    expect(stdout).toMatch(/^task +press +ended +link$/m);
    expect(stdout).toMatch(new RegExp(`^${tasks[1].id} +U1 +\\d+ s ago +http:\\S+$`, "m"));
    const { data } = (await run("pictures", "--flow", id, "--action", "imagine", "--json")).json;
    expect(data.map(({ taskId }: { taskId: string }) => taskId)).toEqual([tasks[0].id]);
    expect((await run("pictures", "--flow", id, "--video")).stdout).toBe("No pictures.\n");

    expect((await run("delete", id)).stdout).toBe(`${id}  deleted\n`);
    expect((await run("flow", id)).code).toBe(1);
    expect((await run("pictures", "--all", "--json")).stdout).not.toContain(id);
    const running = (await createFlow("--no-wait")).id;
    const refused = await run("delete", running);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("running")]);
  });

  test("mark makes a favorite and fills a folder, and pictures lists both; a folder is named by its id or its name", async () => {
    const { tasks } = await createFlow();
    const [{ id: task }] = tasks;
    expect((await run("folders")).stdout).toBe("No folders.\n");
    const { json: folder } = await run("folders", "create", "boats", "--json");
    expect((await run("folders")).stdout).toMatch(new RegExp(`^${folder.id} +\\d+ s ago +boats$`, "m"));

    const marked = await run("mark", `${task}.2`, `${task}.9`, "--favorite", "--add", "boats");
    expect([marked.code, marked.stdout]).toEqual([1, `${task}.2  marked\n${task}.9  no such picture\n`]);
    const listed = async (...options: string[]) =>
      (await run("pictures", ...options, "--json")).json.data.map(({ taskId }: { taskId: string }) => taskId);
    expect(await listed("--favorite")).toEqual([task]);
    expect(await listed("--folder", folder.id)).toEqual([task]);

    expect((await run("folders", "rename", "boats", "ships")).stdout).toContain("ships");
    expect((await run("mark", `${task}.2`, "--no-favorite", "--remove", "ships")).code).toBe(0);
    expect([await listed("--favorite"), await listed("--folder", "ships")]).toEqual([[], []]);
    expect((await run("folders", "remove", "ships")).stdout).toBe(`${folder.id}  removed\n`);
    const unknown = await run("pictures", "--folder", "ships");
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('There is no folder "ships"')]);
    expect((await run("mark", `${task}.2`)).code).toBe(2);
  });

  test("share prints a link once, lists the links of a flow without it, and revokes one", async () => {
    const { id } = await createFlow();
    const { stdout } = await run("share", id, "--expires", "2h", "--no-prompt", "--label", "customer");
    const [, url, token, shareId] =
      /^(http\S+#\/share\/(mjv_\w+))\n {2}(\w{8}) {2}works until \S+ \S+\n$/.exec(stdout) ?? [];
    expect(new URL(url!).hash).toBe(`#/share/${token}`);
    const listed = await run("share", "list", id);
    expect(listed.stdout).toMatch(new RegExp(`^${shareId} +customer +hidden +`, "m"));
    expect(listed.stdout).not.toContain(token);
    const { json } = await run("share", id, "--json");
    expect(json).toMatchObject({ showsPrompt: true, showsVendorLinks: false });
    expect((await run("share", "revoke", id, shareId!)).stdout).toBe(`${shareId}  revoked\n`);
    expect((await run("share", "list", id, "--json")).json.data).toMatchObject([{ id: json.id }]);
    expect((await run("share", "revoke", id, shareId!)).code).toBe(1);
    const wrong = await run("share", id, "--expires", "60d");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("expiresInS")]);
  });

  test("a template is saved, shown, used and removed, and rerun makes its flow again with changes", async () => {
    const saved = await run("templates", "save", "two-steps", "--then", "U1>zoom:2", "--description", "closer");
    expect(saved.stdout).toBe("two-steps  saved\n");
    expect((await run("templates")).stdout).toMatch(/^two-steps +\d+ s ago +U1 +closer$/m);
    const shown = (await run("templates", "show", "two-steps", "--json")).json;
    expect(shown.then).toEqual([{ press: "U1", then: [{ press: "zoom:2" }] }]);
    const flow = await createFlow("--template", "two-steps", "--state", "order 7");
    expect(flow.tasks.map(({ press }: Task) => press)).toEqual([null, "U1", "zoom:2"]);
    expect((await run("templates", "remove", "two-steps")).stdout).toBe("two-steps  removed\n");
    expect((await run("templates", "show", "two-steps")).code).toBe(1);

    const again = await run("rerun", flow.id, "--prompt", "a car", "--without", "state", "--json");
    expect(again.code).toBe(0);
    expect(again.json).toMatchObject({ rerunOf: flow.id, prompt: "a car", state: null, status: "completed" });
    expect(again.json.tasks).toHaveLength(3);
    const other = (await run("rerun", flow.id, "--then", "V1", "--json")).json;
    expect(other.tasks.map(({ press }: Task) => press)).toEqual([null, "V1"]);
  });

  test("batch creates a flow of each line, and of each item of a JSON array", async () => {
    const lines = join(folder, "prompts.txt");
    writeFileSync(lines, "a boat\n\n  a car  \r\n");
    const state = "album of lines";
    const first = await run("batch", lines, "--state", state, "--idempotency-key", "album-1");
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^1 +flow_\w+ +a boat$[\s\S]*^2 +flow_\w+ +a car$/m);
    expect(first.stdout).toMatch(/^2 created, 0 failed, about \$0\.\d\d in all$/m);
    await run("batch", lines, "--state", state, "--idempotency-key", "album-1");
    expect((await run("flows", "--state", state, "--json")).json.data).toHaveLength(2);

    const array = join(folder, "flows.json");
    writeFileSync(
      array,
      JSON.stringify(["a {red, blue} boat", { prompt: "a car", then: [{ press: "U1" }] }, { mode: 7 }]),
    );
    const second = await run("batch", array, "--expand", "--json");
    expect(second.code).toBe(1);
    expect(second.json).toMatchObject({ created: 3, failed: 1 });
    expect(second.json.data.map(({ flow }: { flow: { prompt: string } | null }) => flow?.prompt ?? null)).toEqual([
      "a red boat",
      "a blue boat",
      "a car",
      null,
    ]);
  });

  test.each([
    ["", "It has 0."],
    ["a boat\n".repeat(101), "It has 101."],
    ["[a red boat]", "not a JSON array"],
  ])("batch rejects the file %j before any request", async (text, why) => {
    const file = join(folder, "wrong.txt");
    writeFileSync(file, text);
    const { code, stderr } = await mjflow(undefined, ["batch", file]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
  });
});

describe("cancel, resume, retry", () => {
  test("cancel submits no new tasks, and resume completes the flow", async () => {
    const { id } = await createFlow("--no-wait", "--then", "U1,U2");
    const canceled = await run("cancel", id, "--json");
    expect([canceled.code, canceled.json.canceledAt]).toEqual([0, expect.any(String)]);
    const watched = await run("watch", id);
    expect([watched.code, watched.stdout]).toEqual([1, expect.stringContaining("canceled")]);
    expect((await run("flows", "--status", "canceled", "--json")).json.data).toMatchObject([{ id }]);
    const resumed = await run("resume", id);
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toContain(`${id}  completed`);
    expect(resumed.stderr).not.toContain("did not succeed");
  });

  test("retry creates a new task next to the failed task and is rejected for a successful task", async () => {
    await localServer.sim("POST", "/faults", { kind: "fail-task", provider: "simulator", action: "UPSCALE" });
    const flow = await createFlow("--then", "U1");
    const [root, failed] = flow.tasks;
    expect(failed.status).toBe("FAILURE");
    const retried = await run("retry", failed.id);
    expect(retried.code).toBe(0);
    expect(retried.stdout).toMatch(/├─ U1 +✗/);
    expect(retried.stdout).toMatch(/└─ U1 \(retry\) +✓/);
    expect((await run("retry", root.id)).code).toBe(1);
  });
});

describe("webhooks", () => {
  test("the secret of an endpoint is shown after add and rotate, but in no list", async () => {
    const [server, url] = await listening();
    const added = await run("endpoints", "add", url, "--events", "flow.completed,flow.failed", "--description", "mine");
    expect(added.code).toBe(0);
    const [id] = /ep_\w+/.exec(added.stdout)!;
    const [secret] = /whsec_\S+/.exec(added.stdout)!;
    const list = await run("endpoints");
    expect(list.stdout).toMatch(new RegExp(`^${id} +enabled +v1 +${url} +flow.completed,flow.failed$`, "m"));
    const rotated = (await run("endpoints", "rotate", id, "--overlap", "1h", "--json")).json;
    expect(rotated.secret).toMatch(/^whsec_/);
    for (const args of [
      ["endpoints"],
      ["endpoints", "--json"],
      ["endpoints", "disable", id],
      ["endpoints", "enable", id],
    ]) {
      const { code, stdout } = await run(...args);
      expect([code, stdout.includes(secret), stdout.includes(rotated.secret)]).toEqual([0, false, false]);
    }
    expect((await run("endpoints", "remove", id)).stdout).toBe(`${id}  removed\n`);
    expect((await run("endpoints", "--json")).json.data).not.toContainEqual(expect.objectContaining({ id }));
    server.close();
  });

  test("failed deliveries are listed and can be replayed one by one or per endpoint", async () => {
    let isHealthy = false;
    const bodies: string[] = [];
    const [server, url] = await listening(
      (body) => isHealthy && bodies.push(JSON.parse(body).type),
      () => (isHealthy ? 204 : 410),
    );
    const { json: endpoint } = await run("endpoints", "add", url, "--events", "flow.completed", "--json");
    const { id } = await createFlow();
    const delivery = await until(
      async () =>
        (await run("deliveries", "--flow", id, "--json")).json.data.find(
          (d: { endpoint: string }) => d.endpoint === endpoint.id,
        ),
      (found) => found?.status === "failed",
    );
    const { stdout } = await run("deliveries", "--endpoint", endpoint.id, "--status", "failed");
    expect(stdout).toMatch(new RegExp(`^${delivery.id} +flow.completed +${endpoint.id} +failed +1 +HTTP 410`, "m"));

    isHealthy = true;
    await run("endpoints", "enable", endpoint.id);
    expect((await run("replay", delivery.id)).code).toBe(0);
    await until(
      async () => bodies.length,
      (n) => n === 1,
    );
    await until(
      async () => (await run("deliveries", "--flow", id, "--json")).json.data[0].status,
      (status) => status === "delivered",
    );
    expect((await run("replay", endpoint.id, "--json")).json).toMatchObject({ only: "failed", status: "counting" });
    expect((await run("replay", endpoint.id, "--all", "--since", "1h")).stdout).toMatch(/^rpl_\w+ has started\./);
    await until(
      async () => bodies.length,
      (n) => n === 2,
    );
    const all = await until(
      async () => (await run("replays", "--json")).json.data as { id: string; only: string; status: string }[],
      (data) => data.every(({ status }) => status === "completed"),
    );
    expect(all).toMatchObject([
      { only: "all", found: 1, sent: 1 },
      { only: "failed", found: 0, sent: 0 },
    ]);
    expect((await run("replays", "show", all[0]!.id)).stdout).toMatch(/completed +1 +1 +0 +0 +0/);
    expect((await run("replays", "cancel", all[0]!.id, "--json")).json).toMatchObject({ status: "completed" });
    await run("endpoints", "remove", endpoint.id);
    server.close();
  });
});

describe("local server and operations", () => {
  test("doctor reports a healthy server with exit code 0", async () => {
    const { code, json } = await run("doctor", "--json");
    expect(json).toMatchObject({ healthy: true });
    const about = Object.fromEntries(json.findings.map((f: { about: string; level: string }) => [f.about, f.level]));
    expect(about).toMatchObject({ address: "ok", clock: "ok", key: "ok", "dead letters": "ok" });
    expect(code).toBe(0);
    expect((await run("doctor")).stdout).toMatch(/^✓ key +accepted, from MJFLOW_API_KEY$/m);
  });

  test("doctor names a vendor without callbacks and the setting MjNotifyEnabled", async () => {
    await localServer.sim("PUT", "/scenarios/newapi", { silent: true });
    await createFlow("--provider", "newapi", "--then", "upscale:all");
    const silent = await until(
      async () => (await run("doctor")).stdout,
      (text) => /^! newapi +sends no callbacks$/m.test(text),
    );
    expect(silent).toContain("MjNotifyEnabled");
    await localServer.sim("PUT", "/scenarios/newapi", {});
  }, 90_000);

  test("doctor exits with 3 if the server is unreachable, is not mjflow, or rejects the key", async () => {
    expect((await mjflow({ url: "http://127.0.0.1:9" }, ["doctor", "--json"])).json).toMatchObject({ healthy: false });
    const [server, url] = await listening();
    const other = await mjflow({ url }, ["doctor"]);
    server.close();
    expect([other.code, other.stdout]).toEqual([3, expect.stringContaining("but is not mjflow")]);
    const refused = await runWith({ env: { MJFLOW_API_KEY: "mjk_wrong_key_of_mine" } }, "doctor");
    expect([refused.code, refused.stdout]).toEqual([
      3,
      expect.stringContaining("the server rejects the key from MJFLOW_API_KEY"),
    ]);
    // The server says what is wrong with the key.
    expect(refused.stdout.replace(/\s+/g, " ")).toContain("Copy the whole key.");
  });

  test("accounts lists the vendor accounts, and tests one without a submission", async () => {
    const { stdout } = await run("accounts");
    expect(stdout).toMatch(/^cometapi\/default +ok, simulated +\w+ +1 +no limit$/m);
    const before = (await localServer.sim("GET", "/ledger")).submissions.length;
    const tested = await run("accounts", "test", "cometapi", "--json");
    expect([tested.code, tested.json.code]).toEqual([0, "ok"]);
    expect((await localServer.sim("GET", "/ledger")).submissions).toHaveLength(before);
    expect((await run("accounts", "test", "cometapi/nobody")).code).toBe(1);
  });

  test("dead-letters lists no messages, and redrive and discard reject an unknown id", async () => {
    expect((await run("dead-letters")).stdout).toBe("No dead-letter messages.\n");
    expect((await run("dead-letters", "--json")).json.data).toEqual([]);
    expect((await run("redrive", "1_none")).code).toBe(1);
    expect((await run("discard", "1_none")).code).toBe(1);
  });

  test("keys creates a key for a new app, shows it once, rotates it and revokes it", async () => {
    const created = await run("keys", "create", "--new-app", "a shop", "--expires", "90d");
    expect(created.code).toBe(0);
    const [key] = /mjk_\S+/.exec(created.stdout)!;
    const [, keyId, appId] = /^(\S+) of (\S+)/.exec(created.stdout)!;
    const shop = { env: { MJFLOW_API_KEY: key! } };
    expect((await runWith(shop, "flows")).stdout).toBe("No flows.\n");
    expect((await runWith(shop, "keys")).code).toBe(3);
    const doctor = await runWith(shop, "doctor");
    expect(doctor.stdout).toContain("this key belongs to an app");
    const listed = await run("keys", "--app", appId!);
    expect(listed.stdout).toContain("a shop");
    expect(listed.stdout).toContain(keyId);
    for (const { stdout } of [listed, await run("keys", "--json"), await runWith(shop, "config"), doctor]) {
      expect(stdout).not.toContain(key);
    }
    const rotated = (await run("keys", "rotate", keyId!, "--app", appId!, "--overlap", "0", "--json")).json;
    expect(rotated.key).toMatch(/^mjk_/);
    expect((await run("keys", "revoke", rotated.id, "--app", appId!)).stdout).toBe(`${rotated.id}  revoked\n`);
  });

  test("config shows the sources of the address and the key, but not the key", async () => {
    const { json } = await run("config", "--json");
    expect(json).toMatchObject({ url: localServer.url, urlFrom: "MJFLOW_URL", key: "set", keyFrom: "MJFLOW_API_KEY" });
    const { stdout } = await mjflow(undefined, ["config"]);
    expect(stdout).toMatch(/^key +none {2}\(set MJFLOW_API_KEY\)$/m);
  });
});

describe("on a terminal", () => {
  /** Runs a command on a test terminal with this number of columns. */
  async function shown(columns: number, args: string[], { press = () => false as boolean, env = {} } = {}) {
    const [screen, stderr, ctrlC] = [new Screen(columns, 30), new Screen(columns, 30), new AbortController()];
    screen.write("$ mjflow\n");
    screen.onWrite = () => press() && ctrlC.abort("SIGINT");
    const platform = { stdout: screen, stderr, signal: ctrlC.signal, cwd: folder, now: Date.now };
    const code = await runCli(args, {
      ...platform,
      env: { MJFLOW_URL: localServer.url, MJFLOW_API_KEY: API_KEY, ...env },
    });
    return { code, screen, stderr };
  }

  test.each([120, 80, 40, 30])(
    "on %d columns the bars are redrawn in place, then the tree follows",
    async (columns) => {
      const { code, screen } = await shown(columns, ["imagine", "紙の船 on calm water", "--then", "U1,U2"]);
      expect(code).toBe(0);
      expect(screen.hasCursor).toBe(true);
      const lines = screen.lines();
      expect(lines[0]).toBe("$ mjflow");
      // Each bar is visible once, however often it was redrawn. The next line is the elapsed time.
      expect(lines.slice(1, 4).map((line) => line.trim().split(/ /)[0])).toEqual(["imagine", "U1", "U2"]);
      expect(lines.slice(1, 4).every((line) => line.includes("100%"))).toBe(true);
      expect(lines[4]).toMatch(/^ {2}\d:\d\d$/);
      expect(lines.join("").replaceAll(" ", "")).toContain("└─U2✓task_");
      expect(screen.written).toContain("\u001b[32m");
    },
  );

  test("with NO_COLOR the output has no colors but is still redrawn in place", async () => {
    const { screen } = await shown(80, ["imagine", "a boat"], { env: { NO_COLOR: "1" } });
    expect(screen.written.replace(/\W\[(2K|J|\d*A|\?25[lh])/g, "")).not.toContain("\u001b");
    expect(screen.written).toContain("\u001b[2K");
  });

  test("output to a dumb terminal contains no escape sequences", async () => {
    const { screen } = await shown(80, ["imagine", "a boat"], { env: { TERM: "dumb" } });
    expect(screen.written).not.toContain("\u001b");
  });

  test("--json prints only JSON on a terminal", async () => {
    const { screen } = await shown(80, ["imagine", "a boat", "--json"]);
    expect(JSON.parse(screen.written.replace("$ mjflow\n", ""))).toMatchObject({ status: "completed" });
  });

  test("Ctrl-C shows the cursor again and says that the flow is still running", async () => {
    let draws = 0;
    const { code, screen, stderr } = await shown(80, ["imagine", "a boat", "--then", "U1"], {
      press: () => ++draws === 3,
    });
    expect([code, screen.hasCursor]).toEqual([130, true]);
    expect(screen.written.endsWith("\u001b[?25h")).toBe(true);
    const id = /The flow is still running\S*: (\S+)/.exec(stderr.written)![1]!;
    expect((await localServer.ended(id)).status).toBe("completed");
  });
});

describe("mjflow help", () => {
  test("every command has a help text, and no command has an option for the key", async () => {
    const general = await run("help");
    const names = [...general.stdout.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, name]) => name!);
    expect(names).toHaveLength(48);
    for (const name of names) {
      const [byCommand, byFlag] = [await run("help", name), await run(name, "--help")];
      expect([byCommand.code, byFlag.code]).toEqual([0, 0]);
      expect(byCommand.stdout).toBe(byFlag.stdout);
      expect(byCommand.stdout).toContain(`mjflow ${name}`);
      expect(byCommand.stdout).not.toMatch(/--(api-)?key\b|mjk_/);
    }
  });

  test("mjflow without arguments prints the help, and --version prints the version", async () => {
    expect((await run()).stdout).toBe((await run("--help")).stdout);
    expect((await run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

/** Starts an HTTP server that passes each request body to `onBody`. */
async function listening(onBody: (body: string) => void = () => {}, status = () => 204): Promise<[Server, string]> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    response.writeHead(status()).end();
    onBody(body);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return [server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`];
}

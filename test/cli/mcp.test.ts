/** `mjflow mcp`, driven by the official client library over stdio, against a running local server. */
import { tmpdir } from "node:os";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { type CallToolResult, CallToolResultSchema, type Progress } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY, type Json, type SpawnedServer, spawnServer } from "../support/spawned.ts";
import { startTranslator, TRANSLATOR_FAULTS, TRANSLATOR_KEY, type TranslatorServer } from "../support/translator.ts";

const BIN = new URL("../../bin/mjflow.mjs", import.meta.url).pathname;

let localServer: SpawnedServer;
let translator: TranslatorServer;
let client: Client;
let transport: StdioClientTransport;
beforeAll(async () => {
  translator = await startTranslator();
  const MJFLOW_TRANSLATE_KEY = TRANSLATOR_KEY;
  localServer = await spawnServer({
    env: { MJFLOW_TRANSLATE_URL: translator.url, MJFLOW_TRANSLATE_MODEL: "a-model", MJFLOW_TRANSLATE_KEY },
  });
  ({ client, transport } = await connect({}));
}, 60_000);
afterAll(async () => {
  await client?.close();
  await localServer?.stop();
  translator?.stop();
});

async function connect(env: Record<string, string>) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [BIN, "mcp"],
    env: { PATH: process.env["PATH"]!, MJFLOW_URL: localServer.url, MJFLOW_API_KEY: API_KEY, ...env },
    cwd: tmpdir(),
    stderr: "pipe",
  });
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(transport);
  return { client, transport };
}

interface Result {
  data: Json;
  text: string;
  isError: boolean;
  content: CallToolResult["content"];
}

async function call(name: string, args: Record<string, unknown>, onprogress?: (progress: Progress) => void) {
  const options = { timeout: 60_000, ...(onprogress && { onprogress, resetTimeoutOnProgress: true }) };
  const result = (await client.callTool({ name, arguments: args }, CallToolResultSchema, options)) as CallToolResult;
  const text = result.content.map((item) => (item.type === "text" ? item.text : "")).join("\n");
  const all = JSON.stringify(result);
  expect(all).not.toContain(API_KEY);
  expect(all).not.toContain("[key]");
  return { data: result.structuredContent, text, isError: result.isError === true, content: result.content } as Result;
}

test("the server names itself, and lists its tools with schemas, costs and hints", async () => {
  expect(client.getServerVersion()).toMatchObject({
    name: "mjflow",
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
  });
  expect(client.getInstructions()).toContain("paid");
  const { tools } = await client.listTools();
  const paid = ["imagine", "press", "rerun", "batch"];
  const free = ["wait", "flow", "pictures", "flows", "templates", "providers"];
  const names = [...paid, ...free, "cancel", "delete"];
  expect(tools.map(({ name }) => name).sort()).toEqual([...names].sort());
  for (const { name, description, inputSchema, outputSchema, annotations } of tools) {
    expect([inputSchema.type, outputSchema?.type]).toEqual(["object", "object"]);
    expect(annotations?.readOnlyHint).toBe(free.includes(name));
    expect(annotations?.destructiveHint).toBe(name === "delete");
    if (paid.includes(name)) expect(description).toContain("paid");
  }
});

test("imagine with presses returns the pictures and buttons, and tells progress", async () => {
  const updates: Progress[] = [];
  const args = { prompt: "a paper boat", then: ["U1,U2>zoom:2"], state: "order 7" };
  const { data, text, isError } = await call("imagine", args, (progress) => updates.push(progress));
  expect(isError).toBe(false);
  expect(data).toMatchObject({ status: "completed", prompt: "a paper boat", provider: "simulator" });
  expect(data.tasks.map(({ press }: Json) => press)).toEqual([null, "U1", "zoom:2", "U2", "zoom:2"]);
  for (const { pictures } of data.tasks)
    expect(pictures).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\//)]);
  expect(data.tasks[0].buttons).toEqual(expect.arrayContaining(["upscale:1", "reroll", "variation:4"]));
  expect(text).toContain(`${data.flowId} completed`);
  expect(text).toContain(data.tasks[0].pictures[0]);
  expect(updates.length).toBeGreaterThan(1);
  expect(updates.map(({ progress }) => progress)).toEqual(updates.map((_, n) => n + 1));
  expect((await localServer.flow(data.flowId)).state).toBe("order 7");
});

test("press, wait, flow, pictures and flows work on a flow that was started without waiting", async () => {
  const started = await call("imagine", { prompt: "a boat", waitS: 0 });
  const { flowId } = started.data;
  expect(started.data.status).toBe("running");
  expect((await call("wait", { flowId })).data.status).toBe("completed");
  const [root] = (await call("flow", { flowId })).data.tasks;
  const pressed = await call("press", { taskId: root.id, press: "variation:2" });
  expect(pressed.data.tasks).toMatchObject([
    { press: null },
    { press: "variation:2", parentId: root.id, status: "SUCCESS" },
  ]);

  const shown = await call("pictures", { flowId, taskId: root.id, show: true });
  expect(shown.data.pictures).toEqual([{ taskId: root.id, press: null, url: root.pictures[0] }]);
  const image = shown.content.find(({ type }) => type === "image");
  expect(image).toMatchObject({ mimeType: "image/png" });
  const bytes = Buffer.from((image as { data: string }).data, "base64");
  expect(bytes).toEqual(Buffer.from(await (await fetch(root.pictures[0])).arrayBuffer()));
  expect((await call("pictures", { flowId })).data.pictures).toHaveLength(2);
  expect((await call("flows", { limit: 1 })).data.flows).toMatchObject([
    { flowId, status: "completed", prompt: "a boat" },
  ]);
});

test("a flow that still runs after waitS is a result with the advice to wait, and cancel stops it", async () => {
  const { data, text, isError } = await call("imagine", { prompt: "a boat --sim stuck", waitS: 0.2 });
  expect([isError, data.status]).toEqual([false, "running"]);
  expect(text).toContain(`Call wait with flowId ${data.flowId}`);
  expect((await call("cancel", { flowId: data.flowId })).isError).toBe(false);
  expect((await localServer.flow(data.flowId)).canceledAt).not.toBeNull();
});

test("other actions get their images, and providers lists who has them", async () => {
  const png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB";
  const described = await call("imagine", { action: "describe", images: [png] });
  expect(described.data.tasks[0].text).toEqual(expect.any(String));
  const film = await call("imagine", { action: "video", prompt: "waves", images: [png] });
  expect(film.data.tasks[0].pictures.length).toBeGreaterThan(0);
  const { data } = await call("providers", {});
  expect(data.default).toBe("simulator");
  expect(data.providers.find(({ id }: Json) => id === "simulator").actions).toContain("video");
});

test("batch creates flows, rerun makes one of them again, pictures lists all results, and delete removes a flow", async () => {
  const prompts = ["a batched boat", "a batched car"];
  const { data, text } = await call("batch", { prompts, then: ["U1"], state: "batch" });
  expect(data).toMatchObject({ created: 2, failed: 0, flows: prompts.map((prompt) => ({ prompt, failure: null })) });
  expect(text).toContain(data.flows[1].flowId);
  const [{ flowId }] = data.flows;
  expect((await call("wait", { flowId })).data.tasks).toMatchObject([{ press: null }, { press: "U1" }]);
  const again = await call("rerun", { flowId, prompt: "another boat" });
  expect(again.data).toMatchObject({ status: "completed", prompt: "another boat" });
  expect(again.data.tasks).toHaveLength(2);
  expect((await localServer.flow(again.data.flowId)).state).toBe("batch");

  const shown = (await call("pictures", { limit: 2 })).data.pictures;
  expect(shown.map(({ press }: Json) => press).sort()).toEqual(["U1", null]);
  expect(shown.every(({ taskId }: Json) => taskId.startsWith(again.data.flowId.replace("flow_", "task_")))).toBe(true);
  expect((await call("delete", { flowId: again.data.flowId })).data.deleted).toBe(true);
  expect((await call("flow", { flowId: again.data.flowId })).text).toContain("not_found");
});

test("imagine translates its prompt with the translator of the server's settings", async () => {
  const { data } = await call("imagine", { prompt: "一只纸船 --ar 3:2", translate: true, waitS: 0 });
  expect(data).toMatchObject({ prompt: "a paper boat --ar 3:2", originalPrompt: "一只纸船 --ar 3:2" });
  expect(translator.requests[0]).toMatchObject({ authorization: `Bearer ${TRANSLATOR_KEY}` });
  // The client repeats a request whose translation failed.
  translator.fail(TRANSLATOR_FAULTS["responds 500"]!, 2);
  const repeated = await call("imagine", { prompt: "一只纸船", translate: true, waitS: 0 });
  expect(repeated.data).toMatchObject({ originalPrompt: "一只纸船" });
  expect(translator.asked).toHaveLength(4);
});

test("templates lists the stored plans, and imagine uses one by its name", async () => {
  const then = [{ press: "U2" }];
  await localServer.call("PUT", "/v1/templates/second", { description: "the second image", then });
  expect((await call("templates", {})).data.templates).toEqual([
    { name: "second", description: "the second image", then },
  ]);
  const { data } = await call("imagine", { prompt: "a boat", template: "second" });
  expect(data.tasks.map(({ press }: Json) => press)).toEqual([null, "U2"]);
});

test.each([
  ["press", { taskId: "task_1", press: "U1" }, "not_found"],
  ["imagine", { prompt: "a boat", provider: "nobody" }, "invalid_request"],
  ["imagine", { prompt: "a boat", then: ["U1>"] }, "a press is missing"],
  ["flow", { flowId: "" }, "invalid_argument"],
] as const)("%s with %j is an error result that says %s", async (name, args, why) => {
  const { isError, text } = await call(name, args);
  expect([isError, text]).toEqual([true, expect.stringContaining(why)]);
});

test("a missing button is answered with the offered buttons, and wrong arguments with their name", async () => {
  const { data } = await call("imagine", { prompt: "a boat" });
  const pressed = await call("press", { taskId: data.tasks[0].id, press: "zoom:2" });
  expect(pressed.text).toMatch(/press_not_offered[\s\S]*Offered buttons: U1, U2/);
  const wrong = await call("imagine", { prompt: "a boat", mode: "slow" });
  expect([wrong.isError, wrong.text]).toEqual([true, expect.stringContaining("mode")]);
});

test("a rejected key is reported without the key", async () => {
  const other = await connect({ MJFLOW_API_KEY: "mjk_wrong_key_of_mine" });
  const result = (await other.client.callTool({ name: "flows", arguments: {} })) as CallToolResult;
  expect(result.isError).toBe(true);
  expect(JSON.stringify(result)).toContain("unauthorized");
  expect(JSON.stringify(result)).not.toContain("mjk_wrong_key_of_mine");
  await other.client.close();
});

test("the process ends when the client closes its input, and writes nothing but the protocol", async () => {
  const other = await connect({});
  const { pid } = other.transport;
  let stderr = "";
  other.transport.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  await other.client.close();
  expect(() => process.kill(pid!, 0)).toThrow();
  expect(stderr).toBe("");
  expect(transport.pid).not.toBeNull();
});

/** `mjflow listen`, `mjflow trigger` and `mjflow open`, against a running local server and a receiver of this process. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EventBody, verifyWebhook, type WebhookEvent } from "@mjflow/client";
import { EVENT_TYPES } from "@mjflow/core/event";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { expectEventSchema } from "../openapi/checked.ts";
import { type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { mjflow, type Running, start } from "./test-mjflow.ts";

let localServer: SpawnedServer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-listen-"));
  localServer = await spawnServer();
}, 60_000);
afterAll(async () => {
  await localServer?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

interface Post {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

interface Receiver {
  url: string;
  posts: Post[];
  /** Statuses of the next responses; then 204. */
  statuses: number[];
}

async function receiver(): Promise<Receiver> {
  const [posts, statuses]: [Post[], number[]] = [[], []];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    posts.push({ path: request.url!, headers: request.headers, body });
    response.writeHead(statuses.shift() ?? 204).end();
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, posts, statuses };
}

/** Starts `listen` and resolves when it reports events. */
async function listening(server: Pick<SpawnedServer, "url">, ...args: string[]): Promise<[Running, secret: string]> {
  const running = start(server, ["listen", ...args]);
  onTestFinished(() => void running.child.kill("SIGKILL"));
  const said = await running.said(/Ctrl-C stops it/);
  return [running, /secret {2}(whsec_\S+)/.exec(said)?.[1] ?? ""];
}

const isEndOf = (flowId: string) => (post: Post) => {
  const { type, data } = JSON.parse(post.body) as EventBody;
  return type === "flow.completed" && data.id === flowId;
};
const hasEnd = (posts: Post[], flowId: string) =>
  until(
    async () => posts.some(isEndOf(flowId)),
    (ended) => ended,
  );
const keysOf = (value: object) => Object.keys(value).sort();
/** Header names that a receiver can see, and that do not depend on the connection. */
const headerNames = ({ headers }: Post) => keysOf(headers).filter((name) => name !== "connection");

describe("mjflow listen", () => {
  test("every event is posted like the real webhook of the same event, signed with the printed secret", async () => {
    const { url, posts } = await receiver();
    const real = await localServer.call("POST", "/v1/endpoints", { url: `${url}/real` });
    const [running, secret] = await listening(localServer, "--forward-to", `${url}/listen`);
    const id = await localServer.start({ state: "order 7", then: [{ press: "U1" }] });
    const at = (path: string) => posts.filter((post) => post.path === path);
    await until(
      async () => [at("/listen"), at("/real")],
      (both) => both.every((some) => some.length >= 5 && some.some(isEndOf(id))),
    );
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, ""]);

    const realById = new Map(at("/real").map((post) => [post.headers["webhook-id"], post]));
    expect(
      at("/listen")
        .map(({ headers }) => headers["webhook-id"])
        .sort(),
    ).toEqual([...realById.keys()].sort());
    const types: string[] = [];
    for (const post of at("/listen")) {
      const event = await verifyWebhook(post.body, post.headers, secret);
      const webhook = realById.get(event.id)!;
      const realEvent: WebhookEvent = await verifyWebhook(webhook.body, webhook.headers, real.body.secret);
      expect(headerNames(post)).toEqual(headerNames(webhook));
      expect([event.type, event.timestamp, event.data.id]).toEqual([
        realEvent.type,
        realEvent.timestamp,
        realEvent.data.id,
      ]);
      expect(Object.keys(JSON.parse(post.body))).toEqual(Object.keys(JSON.parse(webhook.body)));
      expect(keysOf(event.data)).toEqual(keysOf(realEvent.data));
      expect(stdout).toMatch(new RegExp(`→ ${event.type} {2}${event.data.id}`));
      types.push(event.type);
    }
    expect(types.sort()).toEqual([
      "flow.completed",
      "task.completed",
      "task.completed",
      "task.submitted",
      "task.submitted",
    ]);
    expect(stdout.match(/← 204 in \d+ ms/g)).toHaveLength(5);
    await localServer.call("DELETE", `/v1/endpoints/${real.body.id}`);
  });

  test("a post that fails is repeated under the same id, and the secret of the environment is not printed", async () => {
    const { url, posts, statuses } = await receiver();
    statuses.push(500);
    const running = start(localServer, ["listen", "--forward-to", url, "--events", "flow.completed"], {
      env: { MJFLOW_WEBHOOK_SECRET: SECRET },
    });
    onTestFinished(() => void running.child.kill("SIGKILL"));
    await running.said(/Ctrl-C stops it/);
    await localServer.start({});
    await until(
      async () => posts.length,
      (count) => count === 2,
    );
    running.child.kill("SIGTERM");
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).not.toContain("whsec_");
    expect(stdout).toMatch(/← 500 in \d+ ms; next attempt in 1 s {2}flow\.completed/);
    const [first, second] = posts as [Post, Post];
    expect(second.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
    expect(second.body).toBe(first.body);
    await verifyWebhook(second.body, second.headers, SECRET);
  });

  test("a press on a flow that ended before the start is reported, and none of its earlier events", async () => {
    const id = await localServer.start({});
    const { tasks } = await localServer.ended(id);
    const { url, posts } = await receiver();
    await listening(localServer, "--forward-to", url);
    await localServer.call("POST", `/v1/tasks/${tasks[0].id}/actions`, { press: "U2" });
    const told = () => posts.map(({ body }) => JSON.parse(body)).filter(({ data }) => data.flowId === id);
    await until(
      async () => told().map(({ type, data }) => `${type} ${data.press}`),
      (events) => events.includes("task.completed U2"),
    );
    expect(told().some(({ data }) => data.id === tasks[0].id)).toBe(false);
  });

  test("listen --flow --json prints each event and each attempt, and ends with the flow", async () => {
    const { url, posts } = await receiver();
    const id = await localServer.start({ progress: true });
    const { code, json } = await start(localServer, ["listen", "--flow", id, "--json", "--forward-to", url]).ended;
    expect(code).toBe(0);
    const [head, ...lines] = json;
    expect(head).toEqual({
      listening: localServer.url,
      forwardTo: `${url}/`,
      secret: expect.stringMatching(/^whsec_/),
    });
    const events = lines.flatMap(({ event }: { event?: EventBody }) => event ?? []);
    expect(events.map(({ type }: EventBody) => type)).toEqual(["task.submitted", "task.completed", "flow.completed"]);
    const attempts = lines.flatMap(({ attempt }: { attempt?: object }) => attempt ?? []);
    expect(attempts).toHaveLength(3);
    expect(attempts[0]).toMatchObject({ number: 1, status: 204, delivered: true, nextInMs: null });
    expect(posts).toHaveLength(3);
  });

  test("listen continues after an outage of the server, and posts no event twice", async () => {
    const dataDir = join(folder, "outage");
    let server = await spawnServer({ dataDir });
    const { url, posts } = await receiver();
    const [running] = await listening(server, "--forward-to", url, "--events", "flow.completed,task.submitted");
    const first = await server.start({});
    await hasEnd(posts, first);
    await server.stop();
    await running.said(/could not be reached.*Trying again/);
    server = await spawnServer({ dataDir, port: Number(new URL(server.url).port) });
    onTestFinished(() => server.stop());
    const second = await server.start({});
    await hasEnd(posts, second);
    expect(await running.said(/responds again/)).toContain("The server responds again.");
    const ids = posts.map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("a rejected key ends listen with 3", async () => {
    const { code, stderr } = await mjflow(localServer, ["listen"], {
      env: { MJFLOW_API_KEY: "mjk_wrong_key_of_mine" },
    });
    expect([code, stderr]).toEqual([3, expect.stringContaining("rejected the key from MJFLOW_API_KEY")]);
  });
});

describe("mjflow trigger", () => {
  test("trigger all sends a sample of every event that has the documented form and the signature of the secret", async () => {
    const { url, posts } = await receiver();
    const args = ["trigger", "all", "--to", url, "--state", "order 9"];
    const { code, stdout } = await mjflow(localServer, args, { env: { MJFLOW_WEBHOOK_SECRET: SECRET } });
    expect(code).toBe(0);
    const types: string[] = [];
    for (const { body, headers } of posts) {
      const { id, ...event } = await verifyWebhook(body, headers, SECRET);
      expectEventSchema("sample", event);
      types.push(event.type);
      expect(stdout).toMatch(new RegExp(`^✓ ${event.type} +204 in \\d+ ms$`, "m"));
      expect(id).toMatch(/^evt_0{26}_/);
      if (event.type !== "endpoint.disabled") expect(event.data.state).toBe("order 9");
    }
    expect(types.sort()).toEqual([...EVENT_TYPES].sort());
  });

  test("without a secret trigger prints a new one, and the exit code is 1 if the receiver refuses", async () => {
    const { url, posts, statuses } = await receiver();
    statuses.push(401);
    const { code, json } = await mjflow(localServer, ["trigger", "flow.failed", "--to", url, "--json"]);
    expect(code).toBe(1);
    expect(json.events).toMatchObject([{ type: "flow.failed", delivered: false, status: 401 }]);
    const [post] = posts as [Post];
    expect((await verifyWebhook(post.body, post.headers, json.secret)).type).toBe("flow.failed");
  });

  test("endpoint.test is sent by the server, and a sample goes to the URL of an endpoint with its secret", async () => {
    const { url, posts } = await receiver();
    const { body } = await localServer.call("POST", "/v1/endpoints", { url: `${url}/hook` });
    const tested = await mjflow(localServer, ["trigger", "endpoint.test", "--to", body.id]);
    expect(tested).toMatchObject({ code: 0, stdout: expect.stringMatching(/^✓ endpoint\.test +204 in \d+ ms\n$/) });
    const sampled = await mjflow(localServer, ["trigger", "task.completed", "--to", body.id], {
      env: { MJFLOW_WEBHOOK_SECRET: body.secret },
    });
    expect(sampled.code).toBe(0);
    const received = await Promise.all(posts.map((post) => verifyWebhook(post.body, post.headers, body.secret)));
    expect(received.map(({ type }) => type)).toEqual(["endpoint.test", "task.completed"]);
  });
});

describe("mjflow open", () => {
  const FLOW = `flow_${"0".repeat(26)}`;

  test.skipIf(process.platform === "win32")("open starts BROWSER with the page of the flow or task", async () => {
    const [browser, seen] = [join(folder, "browser"), join(folder, "opened")];
    writeFileSync(browser, `#!/bin/sh\nprintf '%s\\n' "$1" >> "${seen}"\n`);
    chmodSync(browser, 0o755);
    const task = `task_${"0".repeat(26)}_0-1`;
    const read = (lines: number) =>
      until(
        async () => readFileSync(seen, "utf8").split("\n").filter(Boolean),
        (text) => text.length === lines,
      );
    writeFileSync(seen, "");
    const env = { BROWSER: browser, PATH: process.env["PATH"]! };
    const opened = await mjflow(localServer, ["open", FLOW], { env });
    const page = `${localServer.url}/console/#/flows/${FLOW}`;
    expect(opened).toMatchObject({ code: 0, stdout: `${page}\n`, stderr: "" });
    expect(await read(1)).toEqual([page]);
    await mjflow(localServer, ["open", task, "--console", "https://console.example.com/"], { env });
    expect((await read(2))[1]).toBe(`https://console.example.com/#/flows/${FLOW}/${task}`);
  });

  test("without a browser open prints the URL and says so", async () => {
    const { code, stdout, stderr } = await mjflow(localServer, ["open"], { env: { BROWSER: join(folder, "none") } });
    expect([code, stdout]).toEqual([0, `${localServer.url}/console/#/flows\n`]);
    expect(stderr).toContain("Open this URL yourself");
  });
});

/**
 * Recorded client sessions against a local server with real functions, local backend and HTTP. The simulator is the
 * vendor.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { acceptTask } from "./accept.ts";
import type { Json, MjResponse } from "./client.ts";
import { SESSIONS } from "./recording.ts";
import { replay, type Stage } from "./replay.ts";

let server: SpawnedServer;
beforeAll(async () => {
  server = await spawnServer();
});
afterAll(() => server?.stop());

const stage: Stage = {
  secret: API_KEY,
  async send(method, path, body, headers): Promise<MjResponse> {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  },
  wait: () => new Promise((resolve) => setTimeout(resolve, 50)),
};

test.each(SESSIONS.map((s) => [s.client, s] as const))(
  "the session of %s gets its images from the local server",
  async (_, session) => {
    await replay(session, stage);
  },
);

test("the vendor receives one submission per task of the sessions", async () => {
  const { counts } = await server.sim("GET", "/ledger");
  const submits = SESSIONS.flatMap((s) => s.steps).filter(({ code, send }) => code && !send.endsWith("/modal"));
  expect(counts).toMatchObject({ tasks: submits.length, duplicatePresses: 0 });
});

test("a notifyHook receives the same task object as a fetch, until the task has ended", async () => {
  const posts: Json[] = [];
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    posts.push(JSON.parse(Buffer.concat(chunks).toString()));
    response.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const notifyHook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook?job=7&t=theirs`;
  try {
    const headers = { "mj-api-secret": API_KEY };
    const sent = { prompt: "a boat", state: "job 7", notifyHook };
    const { body } = await stage.send("POST", "/mj/submit/imagine", sent, headers);
    await until(
      async () => posts,
      (all) => all.some((task) => task.status === "SUCCESS"),
    );
    for (const task of posts) acceptTask(task, body.result);
    const last = posts.find((task) => task.status === "SUCCESS");
    expect(last).toMatchObject({ state: "job 7", imageUrl: expect.stringMatching(/^http/) });
    expect(last).toEqual((await stage.send("GET", `/mj/task/${body.result}/fetch`, undefined, headers)).body);
    expect(JSON.stringify(posts)).not.toMatch(/theirs|callbacks/);
  } finally {
    receiver.closeAllConnections();
    receiver.close();
  }
});

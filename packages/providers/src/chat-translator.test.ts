import type { Post, PostOutcome } from "@mjflow/core/port";
import { describe, expect, test } from "vitest";
import { createChatTranslator } from "./chat-translator.ts";

const KEY = "sk-never-shown";

/** Translates one text at a server with this response. */
async function translated(outcome: PostOutcome, apiKey = KEY) {
  const posts: Post[] = [];
  const outbound = {
    async post(post: Post) {
      posts.push(post);
      return outcome;
    },
  };
  const options = { baseUrl: "https://translator.test/v1", model: "a-model", apiKey, outbound };
  const result = createChatTranslator(options).translate(["船"], { timeoutMs: 1_234 });
  return { result, posts };
}

const answered = (body: string, status = 200): PostOutcome => ({ kind: "answered", status, body, tookMs: 1 });
const choice = (message: object, more: object = {}) => answered(JSON.stringify({ choices: [{ message, ...more }] }));

describe("the request", () => {
  test("has the address of the chat endpoint, the key, the time limit and enough room for the response", async () => {
    const { posts, result } = await translated(choice({ content: '["boat"]' }));
    expect(await result).toEqual(["boat"]);
    expect(posts).toMatchObject([
      {
        url: "https://translator.test/v1/chat/completions",
        timeoutMs: 1_234,
        headers: { authorization: `Bearer ${KEY}` },
      },
    ]);
    expect(posts[0]!.bodyBytes).toBeGreaterThan(100_000);
  });

  test("has no key if none is set", async () => {
    const { posts } = await translated(choice({ content: '["boat"]' }), "");
    expect(Object.keys(posts[0]!.headers)).not.toContain("authorization");
  });
});

describe("the response", () => {
  test.each([
    ["a code block", '```json\n["boat"]\n```'],
    ["a sentence before the list", 'Here: ["boat"]'],
    ["thoughts with another list", '<think>["no"]</think>["boat"]'],
  ])("can have %s", async (_, content) =>
    expect(await (await translated(choice({ content }))).result).toEqual(["boat"]),
  );

  test.each<[string, PostOutcome]>([
    [
      "the translator did not respond: translator.test: no complete response in time",
      { kind: "unreachable", why: "translator.test: no complete response in time", tookMs: 1 },
    ],
    [
      "the translator did not respond: 10.0.0.1: not a public address",
      { kind: "forbidden", why: "10.0.0.1: not a public address" },
    ],
    ["the translator responded 401", answered(`{"error":"wrong key ${KEY}"}`, 401)],
    ["the translator refused", choice({ content: null, refusal: "no" })],
    ["the translator's response was cut", choice({ content: '["boat"]' }, { finish_reason: "length" })],
    ["the translator's response has another form", answered("<html>")],
    ["the translator's response has another form", choice({ content: 7 })],
    ["the translator's response has no list", choice({ content: "a boat" })],
    ["the translator's response has no list", choice({ content: '[{"boat"' })],
  ])("that cannot be used is the error %j, without the body and the key", async (message, outcome) => {
    await expect((await translated(outcome)).result).rejects.toThrow(new Error(message));
  });
});

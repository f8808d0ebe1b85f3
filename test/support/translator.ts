/** A server with the chat endpoint of the OpenAI API that translates a few words, and can be made to fail. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Translator } from "@mjflow/core/port";
import { createChatTranslator } from "@mjflow/providers/chat-translator";
import { createOutbound } from "@mjflow/webhooks/outbound";

const WORDS: Record<string, string> = {
  一只纸船: "a paper boat",
  一只: "a",
  红: "red",
  蓝: "blue",
  船: "boat",
  晚上: "at night",
  下雪: "in the snow",
};

export const TRANSLATOR_KEY = "sk-of-the-translator-never-shown";

/** How the server responds instead of a translation. */
export type TranslatorFault = (response: ServerResponse, texts: readonly string[]) => void;

/** A response of the chat endpoint with this content. */
export function chatResponse(content: unknown, more: object = {}): string {
  return JSON.stringify({
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content }, ...more }],
  });
}

const status =
  (code: number): TranslatorFault =>
  (response) =>
    response.writeHead(code).end(`{"error":"${TRANSLATOR_KEY}"}`);
const content =
  (text: unknown, more?: object): TranslatorFault =>
  (response) =>
    response.end(chatResponse(text, more));

/** What a translator can do wrong. */
export const TRANSLATOR_FAULTS: Record<string, TranslatorFault> = {
  "responds 500": status(500),
  "refuses the key": status(401),
  "responds 429": status(429),
  "redirects elsewhere": (response) => response.writeHead(302, { location: "https://elsewhere.test/" }).end(),
  "never responds": () => {},
  "sends the head and never ends its body": (response) => void response.writeHead(200).write("{"),
  "closes the connection": (response) => void response.socket!.destroy(),
  "sends junk instead of JSON": (response) => response.end("<html>busy</html>"),
  "sends JSON of another form": (response) => response.end('{"choices":"none"}'),
  "sends null": (response) => response.end("null"),
  "writes prose instead of a list": content("Sure! Here is your prompt: a paper boat"),
  refuses: content(null, { message: { content: null, refusal: "I cannot help with that" } }),
  "is cut by a limit of tokens": content('["a paper boat"]', { finish_reason: "length" }),
  "returns too few texts": content("[]"),
  "returns too many texts": content('["a","b","c","d","e","f"]'),
  "returns numbers": (response, texts) => response.end(chatResponse(JSON.stringify(texts.map(() => 7)))),
  "returns a text that is longer than a prompt": (response, texts) =>
    response.end(chatResponse(JSON.stringify(texts.map(() => "boat ".repeat(4_000))))),
  "sends more than mjflow reads": (response) => response.end(chatResponse(`["${"boat ".repeat(200_000)}"]`)),
  "adds a parameter": (response, texts) => response.end(chatResponse(JSON.stringify(texts.map(() => "boat --turbo")))),
  "adds a group": (response, texts) => response.end(chatResponse(JSON.stringify(texts.map(() => "{red, blue} boat")))),
  "adds a link": (response, texts) =>
    response.end(chatResponse(JSON.stringify(texts.map(() => "https://x.test/a.png")))),
};

export interface TranslatorServer {
  /** With the real HTTP client. */
  translator: Translator;
  /** Longest wait for the server, ms; it shortens the time that the engine gives. For faults without a response. */
  patienceMs: number;
  /** Base URL for the setting. */
  url: string;
  /** The texts of each request, in order. */
  asked: string[][];
  /** Headers and bodies of the requests. */
  requests: { authorization: string | undefined; url: string; body: string }[];
  /** The next requests fail like this. */
  fail(fault: TranslatorFault, times?: number): void;
  /** Translations that replace the known words. */
  words: Record<string, string>;
  stop(): void;
}

export async function startTranslator({ apiKey = TRANSLATOR_KEY } = {}): Promise<TranslatorServer> {
  const asked: string[][] = [];
  const requests: TranslatorServer["requests"] = [];
  const faults: TranslatorFault[] = [];
  const words: Record<string, string> = {};
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const { messages } = JSON.parse(body) as { messages: { content: string }[] };
    const texts = JSON.parse(messages.at(-1)!.content) as string[];
    asked.push(texts);
    requests.push({ authorization: request.headers.authorization, url: request.url!, body });
    const fault = faults.shift();
    if (fault) return fault(response, texts);
    const translated = texts.map((text) => words[text] ?? WORDS[text] ?? text);
    // As many models do: thoughts, and a code block.
    response.end(chatResponse(`<think>[hm]</think>\n\`\`\`json\n${JSON.stringify(translated)}\n\`\`\``));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const outbound = createOutbound({ allow: [origin] });
  const real = createChatTranslator({ baseUrl: `${origin}/v1/`, apiKey, model: "a-model", outbound });
  const started: TranslatorServer = {
    translator: {
      translate: (texts, { timeoutMs }) =>
        real.translate(texts, { timeoutMs: Math.min(timeoutMs, started.patienceMs) }),
    },
    patienceMs: Number.POSITIVE_INFINITY,
    url: `${origin}/v1`,
    asked,
    requests,
    words,
    fail: (fault, times = 1) => void faults.push(...Array.from({ length: times }, () => fault)),
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
  return started;
}

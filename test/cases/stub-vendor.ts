/**
 * A vendor that responds as one case of `answers.json` says, and well to everything else. All cases share one server on
 * 127.0.0.1; the first part of the path names the case. Each response closes its connection.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { AnswerCase, StubResponse } from "./answer-case.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test looks into JSON
type Json = any;

const JSON_TYPE = { "content-type": "application/json" };

export interface StubServer {
  origin: string;
  open(answerCase: AnswerCase): StubVendor;
  close(): void;
}

export async function startStubServer(): Promise<StubServer> {
  const vendors = new Map<string, StubVendor>();
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [, id, path] = /^\/([^/]+)(\/.*)$/.exec(request.url ?? "") ?? [];
    await vendors.get(id ?? "")?.respond(path!, Buffer.concat(chunks).toString(), response);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    open(answerCase) {
      const vendor = createStubVendor(answerCase);
      vendors.set(answerCase.id, vendor);
      return vendor;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export type StubVendor = ReturnType<typeof createStubVendor>;

/** Buttons of a 2×2 grid. The job id is made from the vendor task id. */
export function gridButtons(vendorTaskId: string) {
  const job = `${vendorTaskId.slice(-8).padStart(8, "0")}-36af-4a0f-8f02-df6c579e7011`;
  const button = (customId: string, label: string, emoji = "") => ({ customId, emoji, label, style: 2, type: 2 });
  return [
    ...[1, 2, 3, 4].map((n) => button(`MJ::JOB::upsample::${n}::${job}`, `U${n}`)),
    button(`MJ::JOB::reroll::0::${job}::SOLO`, "", "🔄"),
    ...[1, 2, 3, 4].map((n) => button(`MJ::JOB::variation::${n}::${job}`, `V${n}`)),
    button(`MJ::Inpaint::1::${job}::SOLO`, "Vary (Region)", "🖌️"),
    button(`MJ::CustomZoom::${job}`, "Custom Zoom", "🔍"),
  ];
}

function createStubVendor(answerCase: AnswerCase) {
  const { kind, http, context = {} } = answerCase;
  const verb = context.verb ?? "imagine";
  const vendorTaskId = context.vendorTaskId ?? "9100000010000001";
  const submitted: Json[] = [];
  const actions: Json[] = [];
  const modals: Json[] = [];
  let lookups = 0;
  let isGood = false;
  let made = 0;
  let onSubmit: (() => Promise<void>) | undefined;

  const state = () => String(submitted.at(-1)?.state ?? "");
  const fill = (text: string) => text.replaceAll("{{state}}", state());
  const isCase = (asked: AnswerCase["kind"]) =>
    kind === asked && !isGood && (context.times === undefined || lookups <= context.times);
  const json = (value: unknown): StubResponse => ({ headers: JSON_TYPE, bodyText: JSON.stringify(value) });
  const accepted = (result: string) => json({ code: 1, description: "提交成功", result, properties: {} });

  /** The finished task as a well-behaved vendor shows it. */
  function goodTask(more: Record<string, unknown> = {}) {
    const imageUrl = `https://cdn.example.com/good/${vendorTaskId}.png`;
    const times = { submitTime: 1_795_219_200_000, startTime: 1_795_219_201_000, finishTime: 1_795_219_260_000 };
    const texts = { prompt: "p", promptEn: "p", description: "ok", failReason: "", properties: { finalPrompt: "p" } };
    const task = { id: vendorTaskId, action: "IMAGINE", status: "SUCCESS", progress: "100%", state: state(), imageUrl };
    return { ...task, ...texts, ...times, buttons: gridButtons(vendorTaskId), ...more };
  }

  function answerPress(body: Json, isModal: boolean): StubResponse {
    (isModal ? modals : actions).push(body);
    if (kind === "submit" && verb === (isModal ? "modal" : "action")) return http;
    if (!isModal && verb === "modal") {
      const properties = { finalPrompt: "p", remix: true };
      return json({ code: 21, description: "Waiting for window confirm", result: "9100000010000021", properties });
    }
    return accepted(String(9_100_000_010_000_100 + ++made));
  }

  async function answerSubmit(body: Json): Promise<StubResponse> {
    submitted.push(body);
    if (kind === "submit" && verb !== "action" && verb !== "modal") return http;
    if (kind === "search" && submitted.length === 1) return { transport: "reset" };
    if (kind === "callback" && context.idKnown === false) await onSubmit?.();
    return accepted(vendorTaskId);
  }

  function answerList(): StubResponse {
    if (kind === "fetch")
      return { status: 404, headers: { "content-type": "text/plain" }, bodyText: "404 page not found" };
    lookups++;
    if (isCase("list")) return http;
    if (context.sameInList && !isGood) return { headers: JSON_TYPE, bodyText: `[${http.bodyText}]` };
    return json([goodTask()]);
  }

  function answerFetch(): StubResponse {
    lookups++;
    return isCase("fetch") ? http : json(goodTask());
  }

  function answerSearch(route: "query" | "list"): StubResponse {
    if (kind !== "search" || (context.route ?? "list") !== route) return { status: 404, bodyText: "" };
    lookups++;
    if (!isGood) return http;
    return json([goodTask({ status: "IN_PROGRESS", progress: "15%", imageUrl: "", buttons: [] })]);
  }

  async function answer(path: string, text: string): Promise<StubResponse> {
    const body: Json = text === "" ? {} : JSON.parse(text);
    if (/\/submit\/(?:action|change|simple-change|modal)$/.test(path)) return answerPress(body, path.endsWith("modal"));
    if (/\/submit\/|insight-face/.test(path)) return answerSubmit(body);
    if (path.endsWith("/list-by-condition")) return answerList();
    if (path.endsWith("/fetch")) return answerFetch();
    const route = /\/task\/(query|list)$/.exec(path)?.[1];
    return route ? answerSearch(route as "query" | "list") : { status: 404, bodyText: '{"code":3}' };
  }

  return {
    vendorTaskId,
    submitted,
    actions,
    modals,
    goodTask,
    fill,
    lookups: () => lookups,
    /** Submissions of the kind that the case is about. */
    sent: () => (kind !== "submit" ? submitted : verb === "action" ? actions : verb === "modal" ? modals : submitted),
    /** From now on all look-ups are answered well. */
    recover: () => {
      isGood = true;
    },
    /** Sets what happens before the response to a submission. */
    beforeResponse: (action: () => Promise<void>) => {
      onSubmit = action;
    },
    async respond(path: string, text: string, response: ServerResponse<IncomingMessage>): Promise<void> {
      const given = await answer(path, text);
      const body = bytesOf(given, fill);
      response.shouldKeepAlive = false;
      if (given.transport === "reset") return void response.socket?.destroy();
      if (given.transport === "timeout") return;
      if (given.transport === "cut") {
        response.writeHead(given.status ?? 200, { "content-length": body.length + 500, ...given.headers });
        return void response.write(body, () => response.socket?.end());
      }
      response.writeHead(given.status ?? 200, { "content-length": body.length, ...given.headers });
      response.end(body);
    },
  };
}

/** Returns the body of a response or callback, with our `state` in it. */
export function bytesOf({ bodyBase64, bodyText = "" }: StubResponse, fill: (text: string) => string): Buffer {
  return bodyBase64 === undefined ? Buffer.from(fill(bodyText)) : Buffer.from(bodyBase64, "base64");
}

/**
 * What each field of a vendor's body decides. Each field is left out, is there alone, and gets values of other types, forms and sizes.
 * The files in `fields/` have the difference that each of these makes to what mjflow reads.
 */
import type { CallContext, LookupError } from "@mjflow/core/port";
import { expect, test } from "vitest";
import { readCallback } from "./callback.ts";
import { FORMS } from "./families/index.ts";
import { createFamilyProvider } from "./families/provider.ts";
import { READERS } from "./families/readers.ts";
import type { Calls } from "./family.ts";
import type { HttpOutcome } from "./http-client.ts";
import { createProvider } from "./mjproxy.ts";
import { parseSubmitResponse } from "./submit-response.ts";
import { DIALECTS } from "./vendors/index.ts";

const account = { baseUrl: "https://vendor.example", apiKey: "vendor-key" };
const STATE = "01JZX9_0_1";
const HOOK = "https://hooks.test/callbacks/1.a.b";
const context: CallContext = { account, notifyHook: HOOK, state: STATE };
const LINK = "https://pictures.example/a.png";
const ID = "7a000000-1111-4222-8333-000000000201";
const AT = 1_790_000_000_000;

type Json = unknown;
type Read = (body: Json) => unknown;

// ── changes of one field ───────────────────────────────────────────────────────────────────────────────────────────

const ANY: readonly [name: string, value: Json][] = [
  ["null", null],
  ['""', ""],
  ["blanks", "  "],
  ["0", 0],
  ["-1", -1],
  ["1.5", 1.5],
  ["true", true],
  ["false", false],
  ["[]", []],
  ["{}", {}],
  ["a link", "https://other.example/x.png"],
];

function changesOf(value: Json): readonly [name: string, value: Json][] {
  if (typeof value === "string") {
    return [
      ["with text before", `x ${value}`],
      ["with text behind", `${value} x`],
      ["with a letter before", `x${value}`],
      ["with a letter behind", `${value}x`],
      ["with blanks", `  ${value} `],
      ["in upper case", value.toUpperCase()],
      ["in lower case", value.toLowerCase()],
      ["a long text", "a".repeat(20_000)],
      ["61 letters", "a".repeat(61)],
      ["a path", "/x/y.png"],
      ["another scheme", "ftp://pictures.example/a.png"],
      ["a link of 501", `https://p.example/${"a".repeat(483)}`],
      ["a list of it", [value]],
    ];
  }
  if (typeof value === "number") {
    return [
      ["as text", String(value)],
      ["in percent", `${value}%`],
      ["one more", value + 1],
      ["negative", -value],
      ["a thousandth", value / 1_000],
      ["100", 100],
      ["101", 101],
      ["10^11", 1e11],
      ["below 10^11", 1e11 - 1],
    ];
  }
  if (Array.isArray(value)) {
    return [
      ["60 times", Array.from({ length: 60 }, () => value[0])],
      ["in the other order", value.toReversed()],
      ["with null", [null, ...value]],
      ["with empty objects", [{}, ...value]],
      ["with empty texts", ["", ...value]],
      ["as text", JSON.stringify(value)],
      ["the first alone", value.slice(0, 1)],
    ];
  }
  return typeof value === "object" && value !== null ? [["as text", JSON.stringify(value)]] : [];
}

/** Every path of a body, also into objects and the first item of lists. */
function pathsOf(value: Json, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  const entries: (readonly [string | number, Json])[] = Array.isArray(value)
    ? value.slice(0, 1).map((item) => [0, item] as const)
    : typeof value === "object" && value !== null
      ? Object.entries(value)
      : [];
  return entries.flatMap(([name, item]) => [[...path, name], ...pathsOf(item, [...path, name])]);
}

const GONE = Symbol("no such field");

function withValue(body: Json, [name, ...rest]: readonly (string | number)[], value: Json): Json {
  const copy = (Array.isArray(body) ? [...body] : { ...(body as object) }) as Record<string | number, Json>;
  if (rest.length > 0) copy[name!] = withValue(copy[name!], rest, value);
  else if (value !== GONE) copy[name!] = value;
  else if (Array.isArray(copy)) copy.splice(name as number, 1);
  else delete copy[name!];
  return copy;
}

const valueAt = (body: Json, path: readonly (string | number)[]): Json =>
  path.reduce<Json>((value, name) => (value as Record<string | number, Json>)[name], body);

// ── differences ────────────────────────────────────────────────────────────────────────────────────────────────────

function short(value: Json): string {
  const text = (JSON.stringify(value) ?? "unset").replaceAll(/a{50,}/g, (letters) => `(${letters.length} a)`);
  const isRepeated = Array.isArray(value) && value.length > 9;
  return isRepeated ? `${value.length} × ${short(value[0])}` : text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/** The values of one reading by name. The stored body changes with each field, so only its presence counts. */
function flat(read: unknown): Record<string, string> {
  if (typeof read !== "object" || read === null) return { all: short(read) };
  const { result, ...more } = read as { result?: object };
  const fields = Object.entries({ ...more, ...(Array.isArray(read) ? {} : result) });
  return Object.fromEntries(fields.map(([name, value]) => [name, name === "raw" ? "set" : short(value)]));
}

function differenceOf(before: Record<string, string>, after: Record<string, string>): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => before[name] !== after[name]);
  if (changed.length === 0) return "";
  if (after["all"] !== undefined || before["all"] !== undefined) return JSON.stringify(after);
  return changed.map((name) => `${name} ${after[name] ?? "unset"}`).join(", ");
}

/** @param least the fields without which a body is none; with them each other field is also read alone */
async function linesOf(title: string, body: object, read: Read, least: readonly string[] = []): Promise<string[]> {
  const seen = async (given: Json) => flat(await read(given));
  const before = await seen(body);
  const lines = [`${title}: ${short(body)}`, `  is ${JSON.stringify(before)}`];
  const base = Object.fromEntries(Object.entries(body).filter(([name]) => least.includes(name)));
  const alone = await seen(base);
  for (const path of pathsOf(body)) {
    const value = valueAt(body, path);
    const changes: (readonly [string, Json])[] = [["without it", GONE], ...ANY, ...changesOf(value)];
    const byDifference = new Map<string, string[]>();
    for (const [name, changed] of changes) {
      const difference = differenceOf(before, await seen(withValue(body, path, changed)));
      if (difference !== "") byDifference.set(difference, [...(byDifference.get(difference) ?? []), name]);
    }
    lines.push(`  ${path.join(".")}`);
    for (const [difference, names] of byDifference) lines.push(`    ${names.join("; ")}: ${difference}`);
    const added = path.length === 1 ? differenceOf(alone, await seen({ ...base, [path[0]!]: value })) : "";
    if (added !== "") lines.push(`    it alone: ${added}`);
  }
  return lines;
}

const answered = (body: Json, status: number): HttpOutcome =>
  ({ kind: "answered", status, text: JSON.stringify(body) }) as HttpOutcome;
const failed = ({ message }: LookupError) => ({ failed: message });
const record = (name: string, lines: readonly string[]) =>
  expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(`fields/${name}.snap`);

// ── midjourney-proxy ───────────────────────────────────────────────────────────────────────────────────────────────

const button = (customId: string, label = "U1", emoji = "") => ({ customId, label, emoji, type: 2 });
const UPSAMPLE = `MJ::JOB::upsample::1::${ID}`;
const TASK = {
  mj_id: "1765432109876120",
  id: "1765432109876121",
  taskId: "1765432109876122",
  task_id: "1765432109876123",
  status: "SUCCESS",
  action: "UPSCALE",
  state: STATE,
  progress: "62.5 %",
  finishTime: AT,
  finish_time: "2026-11-30T01:42:41+01:00",
  failReason: "no reason 1",
  fail_reason: "no reason 2",
  error: { message: "no reason 3" },
  imageUrl: LINK,
  image_url: "https://pictures.example/b.png",
  imageUrls: [{ url: "https://pictures.example/c.png", thumbnail: "https://pictures.example/c2.png" }],
  image_urls: ["https://pictures.example/d.png", "https://pictures.example/e.png"],
  videoUrls: ["https://pictures.example/1.mp4"],
  video_urls: "https://pictures.example/2.mp4, https://pictures.example/3.mp4",
  videoUrl: "https://pictures.example/4.mp4",
  video_url: "https://pictures.example/5.mp4",
  buttons: [button(UPSAMPLE), { custom_id: `MJ::JOB::variation::1::${ID}`, label: "V1" }, { url: "https://x.example" }],
  prompt: "prompt 1",
  promptEn: "prompt 2",
  prompt_en: "prompt 3",
  properties: { finalPrompt: "prompt 4", final_prompt: "prompt 5" },
  promptFull: "prompt 6",
  description: "a description",
  seed: "123",
};
const LEAST = ["task_id", "status", "action"];
const { imageUrl, image_url, imageUrls, image_urls, videoUrls, video_urls, videoUrl, video_url, ...BARE } = TASK;

test("what each field of a task of midjourney-proxy decides is recorded", async () => {
  const read = (provider: string) => (body: Json) =>
    readCallback(provider, JSON.stringify(body), { baseUrl: account.baseUrl });
  const video = { ...TASK, imageUrl: "https://pictures.example/a.mp4", videoUrls: null, video_urls: null };
  await record("task", [
    ...(await linesOf("a success", TASK, read("trueai"), LEAST)),
    ...(await linesOf("a failure", { ...TASK, status: "FAILURE" }, read("trueai"), LEAST)),
    ...(await linesOf("a running task", { ...TASK, status: "IN_PROGRESS" }, read("trueai"), LEAST)),
    ...(await linesOf("100 %", { ...TASK, status: "IN_PROGRESS", progress: "100%" }, read("trueai"), LEAST)),
    ...(await linesOf("a window", { ...BARE, status: "MODAL" }, read("trueai"), LEAST)),
    ...(await linesOf("an end without a picture", { ...BARE, status: "FINISHED" }, read("trueai"), LEAST)),
    ...(await linesOf(
      "a single picture at CometAPI",
      { id: ID, status: "SUCCESS", action: "UPSCALE", imageUrl, buttons: [] },
      read("cometapi"),
    )),
    ...(await linesOf("a video in the picture", { ...video, videoUrl: "", video_url: "" }, read("trueai"))),
    ...(await linesOf(
      "a grid without buttons",
      { id: ID, status: "SUCCESS", action: "IMAGINE" },
      read("midjourney-proxy"),
    )),
    ...(await linesOf("buttons by label", { id: ID, status: "SUCCESS", buttons: { U1: UPSAMPLE } }, read("newapi"))),
    ...(await linesOf("no buttons", { id: ID, status: "SUCCESS", buttons: [{ customId: null }] }, read("newapi"))),
    ...(await linesOf("no custom ids", { id: ID, status: "SUCCESS", buttons: [{ custom_id: null }] }, read("newapi"))),
    ...(await linesOf("links alone", { id: ID, status: "SUCCESS", buttons: [{ url: 1 }] }, read("newapi"))),
    ...(await linesOf(
      "a wrapped task",
      {
        code: 1,
        id: "envelope",
        result: { status: "SUCCESS" },
        data: { status: "FAILURE", id: ID },
        task: { id: "1" },
      },
      read("newapi"),
    )),
  ]);
});

const ANSWER = {
  code: 1,
  description: "a description",
  result: "1765432109876121",
  data: "1765432109876122",
  message: "message 2",
  msg: "message 3",
  error: "",
  detail: [{ msg: "a detail" }],
  properties: { finalPrompt: "a boat", status: "SUCCESS", imageUrl: LINK, bannedWord: "gory" },
  success: true,
};
const CODES = [1, 3, 4, 9, 21, 22, 23, 24, 30, 200, 7, "success", "odd"];
const BARE_TASK = {
  id: "1765432109876121",
  taskId: "1765432109876122",
  task_id: "1765432109876123",
  status: "SUBMITTED",
  properties: ANSWER.properties,
};

test.each(["newapi", "trueai"])("what each field of an answer to %s decides is recorded", async (id) => {
  const sent = { prompt: "a detailed boat, a reason", apiKey: "vendor-key" };
  const read = (status: number) => (body: Json) => parseSubmitResponse(answered(body, status), DIALECTS.get(id)!, sent);
  const lines: string[] = [];
  for (const code of CODES) lines.push(...(await linesOf(`code ${code}`, { ...ANSWER, code }, read(200), ["code"])));
  const refused = { code: 4, description: "vendor-key: a detailed boat, a reason", properties: { bannedWord: "gory" } };
  lines.push(...(await linesOf("a refusal that quotes the prompt", refused, read(200))));
  lines.push(
    ...(await linesOf(
      "a refusal in a wrapper",
      { code: 200, data: refused, error: { message: "m", type: "t", code: "c" } },
      read(200),
    )),
  );
  lines.push(
    ...(await linesOf("a task in a wrapper", { code: 0, data: { code: 1, result: ANSWER.result } }, read(200))),
  );
  lines.push(
    ...(await linesOf(
      "the ids of a wrapper",
      { code: 0, data: { taskId: "1765432109876121", task_id: "1765432109876122", id: "1765432109876123" } },
      read(200),
    )),
  );
  const deep = (levels: number): object =>
    levels === 0 ? { code: 1, result: ANSWER.result } : { code: 0, data: deep(levels - 1) };
  for (const levels of [2, 3]) lines.push(...(await linesOf(`${levels} wrappers`, deep(levels), read(200))));
  lines.push(...(await linesOf("several ids", { code: 1, result: "1765432109876121,1765432109876122" }, read(200))));
  lines.push(...(await linesOf("a bare task", BARE_TASK, read(200), ["status"])));
  lines.push(...(await linesOf("an error with status 400", { ...ANSWER, code: 4, result: undefined }, read(400))));
  lines.push(...(await linesOf("an error with status 503", { error: ANSWER, code: 4 }, read(503))));
  await record(`answer-${id}`, lines);
});

test("what each field of a list decides in a search is recorded", async () => {
  const item = { id: "1765432109876121", status: "SUCCESS", state: STATE, submitTime: AT, imageUrl: LINK };
  const lists: [string, string, object][] = [
    ["a page", "midjourney-proxy", { content: [item, { ...item, id: "2", state: `${STATE}9` }], last: true }],
    ["a page that is not the last", "midjourney-proxy", { content: [{ ...item, state: "x" }, item], last: false }],
    ["all tasks", "trueai", { list: [item, { ...item, submitTime: AT - 1 }] }],
  ];
  const lines: string[] = [];
  for (const [title, id, body] of lists) {
    const read = (given: Json) =>
      createProvider(DIALECTS.get(id)!, { httpClient: async () => answered(given, 200) })
        .search([STATE, "01JZX9_0_2"], account)
        .catch(failed);
    lines.push(...(await linesOf(title, body, read)));
  }
  await record("list", lines);
});

// ── other families ─────────────────────────────────────────────────────────────────────────────────────────────────

const REF = `${HOOK}?ref=${STATE}`;
const USEAPI = {
  jobid: "j113-u90001-c13-bot:midjourney",
  verb: "imagine",
  status: "completed",
  updated: "2026-11-30T01:42:40.000Z",
  error: "an error",
  replyRef: "state 2",
  request: { prompt: "a boat", replyRef: "state 4", replyUrl: REF },
  response: {
    content: "the content",
    progress_percent: 46,
    replyRef: "state 1",
    seed: "123",
    attachments: [{ url: LINK }],
    embeds: [{ description: "a description" }],
    buttons: [
      "U1",
      "🔄",
      "Vary (Region)",
      "1️⃣",
      "1",
      "Custom Zoom",
      " Upscale (Subtle) ",
      "Other",
      "b".repeat(60),
      "b".repeat(61),
    ],
    imageUx: [
      { id: 2, url: "https://pictures.example/2.png" },
      { id: 10, url: "https://pictures.example/10.png" },
      { id: 1, url: "https://pictures.example/1.png" },
    ],
  },
};
const TTAPI = {
  status: "SUCCESS",
  message: "a message",
  jobId: ID,
  job_id: "7a000000-1111-4222-8333-000000000202",
  data: {
    jobId: "7a000000-1111-4222-8333-000000000203",
    job_id: "7a000000-1111-4222-8333-000000000204",
    progress: "46",
    notify_id: "state 1",
    hookUrl: REF,
    hook_url: `${HOOK}?ref=state-3`,
    images: ["https://pictures.example/1.png", "https://pictures.example/2.png"],
    cdnImage: LINK,
    discordImage: "https://pictures.example/b.png",
    prompt: "a boat",
    seed: "123",
    components: ["upsample1", "variation4", "reroll", "high_variation", "odd_word", "upsample5", "xupsample1"],
  },
};
const LEGNEXT = {
  job_id: ID,
  status: "completed",
  meta: { ended_at: "2026-11-30T01:42:41Z" },
  error: { code: 0, message: "a message", raw_message: "another message" },
  output: {
    image_url: LINK,
    image_urls: ["https://pictures.example/1.png", "https://pictures.example/2.png"],
    seed: "123",
    prompts: ["a boat", "a ship"],
    finalPrompt: "prompt 2",
    description: "prompt 3",
    available_actions: { variation: [0, 2], reroll: true, upscale: [1] },
  },
};
const ACEDATA = {
  success: true,
  task_id: ID,
  image_id: "1300000000000000201",
  raw_image_url: LINK,
  image_url: "https://pictures.example/b.png",
  sub_image_urls: ["https://pictures.example/1.png"],
  progress: 100,
  actions: ["upscale1", "variation4", "reroll", "variation_region", "odd_word", "upscale5", "xupscale1"],
  descriptions: ["text 1", "text 2"],
  prompts: ["text 3"],
  error: { message: "a message", code: "forbidden" },
};
const BODIES: Readonly<Record<string, readonly [title: string, body: object, least: readonly string[]][]>> = {
  useapi: [
    ["a success", USEAPI, ["jobid", "status"]],
    ["a running job", { ...USEAPI, status: "progress" }, ["jobid", "status"]],
    ["a moderated job", { ...USEAPI, status: "moderated" }, ["jobid", "status"]],
    ["a canceled job", { ...USEAPI, status: "cancelled" }, ["jobid", "status"]],
    ["a describe", { ...USEAPI, verb: "describe" }, ["jobid", "status", "verb"]],
    ["an event", { event: "x", replyRef: "state 3", data: { ...USEAPI, replyRef: "", response: {} }, job: USEAPI }, []],
  ],
  ttapi: [
    ["a success", TTAPI, ["status", "jobId"]],
    ["a failure", { ...TTAPI, status: "FAILED", message: "[Invalid link] vendor" }, ["status", "jobId"]],
    ["a moderated task", { ...TTAPI, status: "FAILED", message: "[Image denied]" }, ["status"]],
    ["a running task", { ...TTAPI, status: "ON_QUEUE" }, ["status"]],
  ],
  legnext: [
    ["a success", LEGNEXT, ["job_id", "status"]],
    ["a failure", { ...LEGNEXT, status: "failed" }, ["job_id", "status"]],
    ["a wrapped job", { timestamp: 1, data: LEGNEXT }, []],
  ],
  acedatacloud: [
    ["a success", ACEDATA, ["success", "task_id"]],
    ["a failure", { ...ACEDATA, success: false }, ["success", "task_id"]],
    ["progress", { ...ACEDATA, progress: 46, descriptions: null, prompts: null }, ["success", "task_id"]],
  ],
};

test.each(Object.keys(READERS))("what each field of a callback of %s decides is recorded", async (id) => {
  const { readCallback: reader } = await READERS[id]!();
  const read = (body: Json) => reader(JSON.stringify(body), account.baseUrl);
  const lines: string[] = [];
  for (const [title, body, least] of BODIES[id]!) lines.push(...(await linesOf(title, body, read, least)));
  await record(`callback-${id}`, lines);
});

const LOOKUPS: Readonly<
  Record<string, readonly [title: string, body: object, ask: (calls: Calls) => Promise<unknown>][]>
> = {
  useapi: [
    ["look-up", USEAPI, (calls) => calls.lookup([USEAPI.jobid], account)],
    ["search", [USEAPI], (calls) => calls.search([STATE, "state 1"], account)],
  ],
  ttapi: [
    ["look-up", TTAPI, (calls) => calls.lookup([ID], account)],
    ["look-up of nothing", { status: "FAILED", message: "no such task" }, (calls) => calls.lookup([ID], account)],
    [
      "search",
      { status: "SUCCESS", jobId: ID, data: [{ job_id: ID, notify_id: STATE, hook_url: REF }] },
      (calls) => calls.search([STATE, "01JZX9_0_2"], account),
    ],
  ],
  legnext: [
    ["look-up", LEGNEXT, (calls) => calls.lookup([ID], account)],
    ["look-up of a picture", LEGNEXT, (calls) => calls.lookup([`mjflow-picture::${ID}::1`], account)],
    ["seed", LEGNEXT, (calls) => calls.seed(ID, account)],
  ],
  acedatacloud: (() => {
    const item = {
      id: ID,
      created_at: AT / 1_000,
      finished_at: AT / 1_000 + 30.4,
      image_id: "13",
      request: { callback_url: REF },
      response: ACEDATA,
    };
    const states = [STATE, "01JZX9_0_2"];
    return [
      ["look-up", item, (calls: Calls) => calls.lookup([ID], account)],
      ["look-up of a list", { items: [item] }, (calls: Calls) => calls.lookup([ID, "2"], account)],
      [
        "search",
        { items: [item, { ...item, id: "2", created_at: AT / 1_000 - 5 }] },
        (calls: Calls) => calls.search(states, account),
      ],
      ["seed", { ...item, seed: "123" }, (calls: Calls) => calls.seed(ID, account)],
    ] as const;
  })(),
};

test.each(Object.keys(LOOKUPS))("what each field of an answer to a look-up decides at %s is recorded", async (id) => {
  const { connect } = await FORMS.get(id)!.load();
  const lines: string[] = [];
  for (const [title, body, ask] of LOOKUPS[id]!) {
    const read = (given: Json) =>
      ask(connect({ httpClient: async () => answered(given, 200) }, new Set())).catch(failed);
    lines.push(...(await linesOf(title, body, read)));
  }
  await record(`look-up-${id}`, lines);
});

const ERROR = {
  error: { message: "the key vendor-key", raw_message: "raw", code: "c" },
  message: "a message",
  code: 400,
};
const ACCEPTED: Readonly<Record<string, object>> = {
  useapi: { ...USEAPI, verb: "button", status: "progress" },
  ttapi: { status: "SUCCESS", message: "ok", data: { jobId: ID, job_id: "x" } },
  legnext: LEGNEXT,
  acedatacloud: { success: true, task_id: ID, descriptions: ["text"], error: { message: "m" } },
};

test.each(Object.keys(ACCEPTED))(
  "what each field of an answer to a submission decides at %s is recorded",
  async (id) => {
    const lines: string[] = [];
    for (const [title, body, status] of [
      ["accepted", ACCEPTED[id]!, 200],
      ["accepted with status 300", ACCEPTED[id]!, 300],
      ["accepted, but a failure", { ...ACCEPTED[id]!, status: "FAILED", success: false }, 200],
      ["an error", ERROR, 400],
      ["an error with status 403", ERROR, 403],
    ] as const) {
      const read = (given: Json) =>
        createFamilyProvider(FORMS.get(id)!, { httpClient: async () => answered(given, status) }).submit(
          { action: "imagine", prompt: "a boat", inputs: {} },
          context,
        );
      lines.push(...(await linesOf(title, body, read)));
    }
    await record(`answer-${id}`, lines);
  },
);

/**
 * What every recorded body of a vendor means to mjflow, whole: outcome with its reason, or report with all of its fields. The
 * fixtures say what matters (`conformance.test.ts`); the files in `readings/` show everything, so that no part changes unseen.
 */
import { globSync, readFileSync } from "node:fs";
import type { CallContext, LookupError } from "@mjflow/core/port";
import { expect, test } from "vitest";
import { readCallback } from "./callback.ts";
import { FORMS } from "./families/index.ts";
import { READERS } from "./families/readers.ts";
import type { Calls } from "./family.ts";
import type { HttpClient, HttpOutcome } from "./http-client.ts";
import { parseJson } from "./json.ts";
import { createProvider } from "./mjproxy.ts";
import { parseTask, parseTasks } from "./report.ts";
import { parseSubmitResponse } from "./submit-response.ts";
import { DIALECTS } from "./vendors/index.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);
const text = (file: string) => readFileSync(new URL(file, FIXTURES), "utf8");
const account = { baseUrl: "https://vendor.example", apiKey: "vendor-key" };
const context: CallContext = { account, notifyHook: "https://hooks.test/callbacks/1.a.b", state: "01JZX9_0_1" };
const dialect = DIALECTS.get("newapi")!;

const answered = (body: string, status: number, headers: Record<string, string> = {}): HttpOutcome =>
  ({ kind: "answered", status, text: body, headers }) as HttpOutcome;
const line = (name: string, value: unknown) => `${name}\n    ${JSON.stringify(value) ?? "nothing"}\n`;
const record = (name: string, lines: readonly string[]) =>
  expect(lines.join("")).toMatchFileSnapshot(`readings/${name}.snap`);

test("the bodies of midjourney-proxy and its relatives mean what is recorded", async () => {
  const index = JSON.parse(text("index.json")) as { file: string; kind: string; httpStatus?: number }[];
  await record(
    "mjproxy",
    index.map(({ file, kind, httpStatus = 200 }) => {
      const body = text(file);
      if (kind === "task") return line(file, parseTask(parseJson(body)));
      if (kind === "task-list") return line(file, parseTasks(parseJson(body)));
      if (kind === "callback") return line(file, readCallback(dialect.id, body));
      return line(file, parseSubmitResponse(answered(body, httpStatus), dialect));
    }),
  );
});

const STATUSES = [200, 302, 400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 429, 500, 501, 502, 503, 504, 520, 529];
const BODIES = [
  "",
  "not JSON",
  "<html><title>502 Bad Gateway</title></html>",
  "{}",
  '{"code":1,"result":"1765432109876123"}',
  '{"code":1,"description":"ok","result":null}',
  '{"code":3,"description":"no available account instance"}',
  '{"code":4,"description":"parameter error"}',
  '{"code":9,"description":"insufficient balance"}',
  '{"code":21,"description":"the task exists","result":"1765432109876123"}',
  '{"code":22,"description":"in queue","result":"1765432109876123"}',
  '{"code":23,"description":"the queue is full"}',
  '{"code":24,"description":"may contain sensitive words","properties":{"bannedWord":"gory"}}',
  '{"code":30,"description":"something else"}',
  '{"error":{"message":"invalid token","type":"new_api_error"}}',
  '{"error":{"message":"rate limit exceeded","code":"rate_limit_exceeded"}}',
  '{"error":{"message":"quota is not enough","code":"insufficient_user_quota"}}',
  '{"error":{"message":"no available channel for model","code":"model_not_found"}}',
  '{"code":"upstream_error","description":"upstream error: do request failed"}',
  '{"success":false,"message":"unsupported action"}',
  '{"success":false,"message":"invalid prompt: --foo is not a parameter"}',
  '{"success":false,"message":"please try again later, the system is busy"}',
  '{"detail":[{"msg":"field required"}]}',
  '{"data":{"code":24,"description":"banned prompt"}}',
];

test.each(STATUSES)("answers with HTTP %i mean what is recorded", async (status) => {
  const lines = BODIES.map((body) => line(body, parseSubmitResponse(answered(body, status), dialect)));
  await record(`http-${status}`, lines);
});

/** One phrase for each alternative of the patterns that decide by words, in the forms that vendors write them. */
const PHRASES: readonly string[] = [
  ..."queue is full|queue was full|queue full|队列已满|队列任务都满|队列中间隔了满|排队已满|排队满|并发数已达上限|并发限制|并发已满|并发超出|并发隔了九个字再说超|concurrency limit|concurrent tasks exceed it|concurrent requests reached|concurrency is full|负载已饱和|负载隔了五个饱和|the model is saturated|too many requests|too many concurrent|too many tasks|rate limit|per second quota|per-minute limit|per hour quota|频繁|稍后再试|稍后请重试|稍后尝试|稍后隔三个重试|try later|retry later|try again later|try shortly|retry again shortly|系统维护|under maintenance|server busy|system is busy|service is overloaded|vendor overloaded|cpu overloaded|memory overloaded|disk overloaded".split(
    "|",
  ),
  ..."余额不足|额度已不足|积分用尽|余额已用完|额度耗尽|欠费|请充值|次数已达上限|次数到了上限|次数已到上限|insufficient balance|insufficient user quota|insufficient credits|insufficient credit|insufficient funds|not enough balance|not enough quota|not enough credit|balance is not enough|quota insufficient|credits exhausted|credit is used up|out of credits|out of credit|out of money|exceeded your current quota|payment required|top up|daily drawing limit".split(
    "|",
  ),
  ..."无可用账号|no available account|no usable channel|no available instance|no channel|unknown_action|not implemented|invalid url|task_status_not_success|渠道已被禁用|get_channel_info_failed|channel of this task is disabled|channel has been disabled|channel disabled".split(
    "|",
  ),
  ..."insert_midjourney_task_failed|do_request_failed|empty_response_body|unmarshal_response_body_failed|read_response_body_failed|copy_response_body_failed|bad_response|bad_response_status_code|bad_response_body|bad_responses|some_panic|some_panics".split(
    "|",
  ),
  ..."content_policy_violation|content_filter|sensitive_words_detected|moderation_blocked|banned_prompt|content_filters|quota_not_enough|insufficient_user_quota|insufficient_quota|insufficient_balance|insufficient_credits|insufficient_credit|billing_error|billing_hard_limit_reached|pre_consume_token_quota_failed|payment_required|rate_limit|rate_limit_exceeded|rate_limit_error|rate_limits|too_many_requests|system_cpu_overloaded|system__overloaded|overloaded_error|new_api_error|one_api_error|a_new_api_error".split(
    "|",
  ),
  ..."invalid parameter|the prompt is invalid|banned words|may contain sensitive words|task was cancelled".split("|"),
];

const SAID: readonly (readonly [name: string, status: number, body: (phrase: string) => object])[] = [
  ["code 3", 200, (description) => ({ code: 3, description })],
  ["code 3 with 404", 404, (description) => ({ code: 3, description })],
  ["code 3 with 500", 500, (description) => ({ code: 3, description })],
  ["code 4", 200, (description) => ({ code: 4, description })],
  ["code 9", 200, (description) => ({ code: 9, description })],
  ["code 503", 200, (description) => ({ code: 503, description })],
  ["no code", 200, (message) => ({ message })],
  ["a name", 200, (code) => ({ error: { code, message: "-" } })],
  ["a type with 500", 500, (type) => ({ error: { type, message: "-" } })],
  ["an error", 200, (error) => ({ error })],
  ...[400, 401, 403, 429, 503].map((status) => [String(status), status, (message: string) => ({ message })] as const),
];

test("each phrase of vendors means what is recorded, and so do parts of it", async () => {
  const meaningOf = (status: number, body: object) => {
    const { kind, ...more } = parseSubmitResponse(answered(JSON.stringify(body), status), dialect) as Record<
      string,
      unknown
    >;
    const { failure, reason, about } = more as { failure?: { code: string }; reason?: string; about?: string };
    return [kind, failure?.code ?? reason, about].filter(Boolean).join(" ");
  };
  const lines = PHRASES.map((phrase) => {
    const groups = new Map<string, string[]>();
    for (const [name, status, body] of SAID) {
      const said = meaningOf(status, body(phrase));
      groups.set(said, [...(groups.get(said) ?? []), name]);
    }
    const meanings = [...groups].map(([meaning, names]) => `    ${names.join(", ")}: ${meaning}\n`);
    const usual = meaningOf(200, { code: 9, description: phrase });
    const cut = [
      phrase.slice(1),
      phrase.slice(0, -1),
      `x${phrase}x`,
      phrase.replace(/[ _]/, "-"),
      phrase.toUpperCase(),
    ];
    const others = cut.filter((text) =>
      SAID.some(([, status, body]) => meaningOf(status, body(text)) !== meaningOf(status, body(phrase))),
    );
    return `${phrase}: ${usual}\n${meanings.join("")}${others.length > 0 ? `    other than ${others.join(" | ")}\n` : ""}`;
  });
  await record("phrases", lines);
});

test("answers with headers of proxies, and requests that got no answer, mean what is recorded", async () => {
  const { connect } = await FORMS.get("ttapi")!.load();
  const submit = (answer: HttpOutcome) =>
    connect({ httpClient: async () => answer }, new Set()).submit({ action: "imagine", inputs: {} }, context);
  const headers: Record<string, string>[] = [
    { "cf-mitigated": "challenge" },
    { "cf-ray": "1" },
    { "retry-after": "7" },
    { location: "https://other.example/mj/submit/imagine" },
    { location: "https://vendor.example/login" },
  ];
  const lines = headers.flatMap((each) =>
    STATUSES.map((status) =>
      line(`${status} ${JSON.stringify(each)}`, parseSubmitResponse(answered("", status, each), dialect)),
    ),
  );
  for (const each of [{}, ...headers, { location: "/relative" }]) {
    for (const status of [302, 403, 500, 520, 521, 522, 523, 524, 525, 526, 530]) {
      const given = `${status} ${JSON.stringify(each)}`;
      for (const text of ["", '{"message":"no"}']) {
        const answer = answered(text, status, each);
        lines.push(line(`${given} ${text} at newapi`, parseSubmitResponse(answer, dialect)));
        lines.push(line(`${given} ${text} at TTAPI`, await submit(answer)));
      }
    }
  }
  for (const outcome of [
    { kind: "lost", reason: "timeout" },
    { kind: "unsent", reason: "the connection was refused" },
  ] as HttpOutcome[]) {
    lines.push(line(JSON.stringify(outcome), parseSubmitResponse(outcome, dialect)));
  }
  await record("http-headers", lines);
});

const WORDS =
  "created started progress completed moderated failed cancelled pending processing staged finished retry PENDING_QUEUE ON_QUEUE SUCCESS FAILED IN_PROGRESS FINISHED FINISH COMPLETED COMPLETE DONE ERROR CANCELLED MODAL NOT_START SUBMITTED x".split(
    " ",
  );

/** Words of other servers for the statuses, and words like them. */
const MORE_WORDS =
  "SUCCEEDED SUCCEED SUCCESSFUL FAIL REJECTED TIMEOUT TIMED_OUT timed-out CANCELED CANCEL RUNNING GENERATING INPROGRESS in-progress QUEUED IN_QUEUE WAITING NOT_STARTED FAILURE XSUCCESS SUCCESSX queuedx xqueued constructor".split(
    " ",
  );

const FAMILY_BODIES = [
  "",
  "not JSON",
  "{}",
  ...["banned prompt", "invalid parameter", "insufficient credits", "rate limit exceeded", "something else"].flatMap(
    (message) => [JSON.stringify({ message }), JSON.stringify({ error: { message, code: 400 } })],
  ),
];

test("every word for a status of midjourney-proxy means what is recorded", async () => {
  const task = { id: "1765432109876123", progress: "100%", imageUrl: "https://pictures.example/a.png" };
  const lines = [...WORDS, ...MORE_WORDS].flatMap((word) => [
    line(word, parseSubmitResponse(answered(JSON.stringify({ id: task.id, status: word }), 200), dialect)),
    line(word, readCallback(dialect.id, JSON.stringify({ ...task, status: word }))),
    line(
      `${word} with a reason`,
      readCallback(dialect.id, JSON.stringify({ ...task, status: word, imageUrl: "", failReason: "no" })),
    ),
    line(`${word} without a picture`, readCallback(dialect.id, JSON.stringify({ id: task.id, status: word }))),
  ]);
  await record("mjproxy-status", lines);
});

test.each(Object.keys(READERS))("the bodies of %s mean what is recorded", async (id) => {
  const { readCallback: read } = await READERS[id]!();
  const { connect } = await FORMS.get(id)!.load();
  const lines: string[] = [];
  for (const file of globSync(`${id}/*.json`, { cwd: FIXTURES.pathname }).sort()) {
    if (file.endsWith("expected.json")) continue;
    const { kind, http, body } = JSON.parse(text(file));
    if (http === undefined) continue;
    const given = typeof body === "string" ? body : JSON.stringify(body);
    lines.push(line(`${file} as a callback`, read(given, account.baseUrl)));
    if (kind === "callback") {
      for (const word of WORDS) {
        const changed = given.replaceAll(/"status":"[^"]*"/g, `"status":"${word}"`);
        lines.push(line(`${file} with the status ${word}`, read(changed)?.status));
      }
    }
    if (kind !== "submit") continue;
    const calls = connect({ httpClient: async () => answered(given, http.status ?? 200) }, new Set());
    const outcome = await calls.submit({ action: "imagine", prompt: "a boat", inputs: {} }, context);
    lines.push(line(`${file} as an answer`, outcome));
  }
  for (const status of [200, 300, 400, 401, 402, 403, 404, 412, 422, 429, 500, 503]) {
    for (const body of FAMILY_BODIES) {
      const calls = connect({ httpClient: async () => answered(body, status) }, new Set());
      const outcome = await calls.submit({ action: "imagine", prompt: "a boat", inputs: {} }, context);
      lines.push(line(`${status} ${body}`, outcome));
    }
  }
  await record(id, lines);
});

/** Phrases that one family alone writes, and phrases that are nearly so. */
const FAMILY_PHRASES =
  "used_up|unused_up|insufficient|insufficiently|balance|unbalanced|not enough credits|not enough credit|not enough quota|not enough|out of credits|out of credit|without credits|token_mismatched|api_not_implemented|api_not_implemented_yet|[Banned prompt detected] x|[Image denied] x|[TTAPI prompt filter] x|banned prompt|[Invalid link] x|[Invalid parameter] x|invalid link|sensitive content detected".split(
    "|",
  );

test.each(Object.keys(READERS))("each phrase of the families means at %s what is recorded", async (id) => {
  const { connect } = await FORMS.get(id)!.load();
  const lines: string[] = [];
  for (const phrase of FAMILY_PHRASES) {
    const groups = new Map<string, string[]>();
    for (const status of [200, 400, 403, 404, 412, 418, 422, 499, 500]) {
      for (const body of [
        { message: phrase },
        { error: { message: phrase } },
        { error: { code: phrase } },
        { error: phrase },
      ]) {
        const calls = connect({ httpClient: async () => answered(JSON.stringify(body), status) }, new Set());
        const outcome = await calls.submit({ action: "imagine", prompt: "a boat", inputs: {} }, context);
        const meaning = outcome.kind === "refused" ? outcome.failure.code : outcome.kind;
        const name = `${status} ${Object.keys(body)}${"error" in body && typeof body.error === "object" ? `.${Object.keys(body.error)}` : ""}`;
        groups.set(meaning, [...(groups.get(meaning) ?? []), name]);
      }
    }
    lines.push(`${phrase}\n`, ...[...groups].map(([meaning, names]) => `    ${meaning}: ${names.join(", ")}\n`));
  }
  await record(`phrases-${id}`, lines);
});

const IDS = ["1765432109876123", "1765432109876124"];
const STATE = context.state;
const task = (more: object = {}) => ({
  id: IDS[0],
  status: "SUCCESS",
  progress: "100%",
  imageUrl: "https://pictures.example/a.png",
  submitTime: 1_790_000_000_000,
  ...more,
});
const running = task({
  id: IDS[1],
  status: "IN_PROGRESS",
  progress: "31%",
  state: STATE,
  submitTime: 1_780_000_000_000,
});

/** Answers to look-ups, searches, questions for a seed, and uploads. Each is given to every question of every vendor. */
const LOOKUP_BODIES: unknown[] = [
  "",
  "   ",
  "not JSON",
  "<html>busy</html>",
  " <html>busy</html>",
  null,
  {},
  [],
  [null],
  [{ hello: "world" }],
  task(),
  task({ id: undefined }),
  task({ state: STATE }),
  [task()],
  [task({ state: STATE }), running],
  [running, task({ state: STATE })],
  [task({ state: `${STATE}::1`, status: "FAILURE", failReason: "no" })],
  { code: 1, result: task() },
  { content: [task({ state: STATE }), running], last: true },
  { content: [task(), running], last: false },
  { content: [], last: true },
  { data: { list: [running] } },
  { [IDS[0]!]: task() },
  { code: 1, result: "1234567890" },
  { code: 1, result: 1_234_567_890 },
  { code: "1", result: ["https://pictures.example/a.png", "no link"] },
  { code: 2, result: "1234567890" },
  { code: 22, result: IDS[0] },
  { code: 21, result: IDS[0] },
  { code: 4, description: "parameter error" },
  { code: 404, message: "no such thing" },
  { description: "task_no_found" },
  { code: "task_not_exist", message: "task does not exist" },
  { error: { message: "task not found" } },
  { code: 4, description: "任务不存在或已失效" },
  { path: "/mj/task", status: 404 },
  { detail: "Not Found" },
  { error: { message: "Invalid URL (GET /mj/task)", type: "invalid_request_error" } },
  { message: "Cannot GET /mj/task" },
  { message: "the vendor-key at https://hooks.test/callbacks/1.a.b is wrong" },
  { error: "something else" },
];
const LOOKUP_STATUSES = [200, 204, 300, 400, 401, 403, 404, 405, 500];

test.each(["newapi", "midjourney-proxy", "trueai", "agicto"])(
  "the answers to questions about tasks of %s mean what is recorded",
  async (id) => {
    const vendor: Vendor = (httpClient) => createProvider(DIALECTS.get(id)!, { httpClient });
    await record(`look-ups-${id}`, await lookedUp(vendor, LOOKUP_BODIES));
  },
);

test.each(Object.keys(READERS))("the answers to questions about tasks of %s mean what is recorded", async (id) => {
  const { connect } = await FORMS.get(id)!.load();
  const own = globSync(`${id}/*.json`, { cwd: FIXTURES.pathname })
    .filter((file) => !file.endsWith("expected.json"))
    .sort()
    .map((file) => JSON.parse(text(file)).body as unknown);
  await record(
    `look-ups-${id}`,
    await lookedUp((httpClient) => connect({ httpClient }, new Set()), [...LOOKUP_BODIES, ...own]),
  );
});

type Vendor = (httpClient: HttpClient) => Calls;

const OUTCOMES: HttpOutcome[] = [
  { kind: "lost", reason: "timeout" },
  { kind: "lost", reason: "ECONNRESET", text: JSON.stringify(task({ state: STATE })) },
  { kind: "unsent", reason: "ECONNREFUSED" },
];

/** What each answer means to each question. Questions and statuses with one meaning share a line. */
async function lookedUp(vendor: Vendor, bodies: readonly unknown[]): Promise<string[]> {
  const lines: string[] = [];
  for (const body of bodies) {
    const given = typeof body === "string" ? body : JSON.stringify(body);
    const cut = { ...answered(given.slice(0, -3), 200), cut: true } as HttpOutcome;
    const answers = LOOKUP_STATUSES.map((status) => [String(status), answered(given, status)] as const);
    lines.push(`${given}\n`, ...(await meaningsOf(vendor, given, [...answers, ["cut", cut]])));
  }
  for (const outcome of OUTCOMES)
    lines.push(`${JSON.stringify(outcome)}\n`, ...(await meaningsOf(vendor, "", [["", outcome]])));
  return lines;
}

async function meaningsOf(
  vendor: Vendor,
  given: string,
  answers: readonly (readonly [name: string, outcome: HttpOutcome])[],
): Promise<string[]> {
  // A body of the vendor's own fixtures is the answer to a question about the task that it names.
  const own = /"(?:job_?id|task_id|id)":\s*"([^"]{12,})"/i.exec(given)?.[1] ?? IDS[0]!;
  const state = /mjf_\d+/.exec(given)?.[0] ?? STATE;
  const questions: [name: string, ask: (calls: Calls) => Promise<unknown>][] = [
    ["task", (calls) => calls.lookup([own], account)],
    ["tasks", (calls) => calls.lookup([own, IDS[1]!], account)],
    ["search", (calls) => calls.search([state, "01JZX9_0_2"], account)],
    ["seed", (calls) => calls.seed(own, account)],
    ["upload", (calls) => calls.upload(["data:image/png;base64,AAAA"], account)],
  ];
  const names = new Map<string, string>();
  for (const [question, ask] of questions) {
    for (const [status, outcome] of answers) {
      let requests = 0;
      const calls = vendor(async () => {
        requests++;
        return outcome;
      });
      const meaning = await ask(calls).catch(({ name, message, unauthorized, unreachable }: LookupError) =>
        [name, message, unauthorized ? "unauthorized" : "", unreachable ? "unreachable" : ""].join(" ").trim(),
      );
      if (requests === 0) continue;
      const shown = (JSON.stringify(meaning) ?? "nothing").replaceAll(`HTTP ${status}`, "HTTP and its status");
      const before = names.get(shown);
      const isSame = before?.split("; ").at(-1)?.startsWith(`${question} `);
      names.set(
        shown,
        before === undefined ? `${question} ${status}` : `${before}${isSame ? "" : `; ${question}`} ${status}`,
      );
    }
  }
  return [...names].map(([meaning, asked]) => `    ${asked}: ${meaning}\n`);
}

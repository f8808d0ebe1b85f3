/**
 * What every recorded body of a vendor means to mjflow, whole: outcome with its reason, or report with all of its fields. The
 * fixtures say what matters (`conformance.test.ts`); the files in `readings/` show everything, so that no part changes unseen.
 */
import { globSync, readFileSync } from "node:fs";
import type { CallContext } from "@mjflow/core/port";
import { expect, test } from "vitest";
import { readCallback } from "./callback.ts";
import { FORMS } from "./families/index.ts";
import { READERS } from "./families/readers.ts";
import type { HttpOutcome } from "./http-client.ts";
import { parseJson } from "./json.ts";
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

test("answers with headers of proxies, and requests that got no answer, mean what is recorded", async () => {
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
  const lines = WORDS.flatMap((word) => [
    line(word, readCallback(dialect.id, JSON.stringify({ ...task, status: word }))),
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

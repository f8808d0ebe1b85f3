/**
 * Parses every fixture with every dialect and compares the result with `fixtures/index.json`, which follows the documents
 * and sources of the vendors. Relays forward the shapes of other vendors, so each dialect must parse all shapes.
 */
import { readFileSync } from "node:fs";
import { canonicalButtonName } from "@mjflow/core/button";
import { isFinal, needsWrite } from "@mjflow/core/report";
import { failureOf } from "@mjflow/core/state";
import { describe, expect, test } from "vitest";
import { readCallback, readOptions } from "./callback.ts";
import { canPress, type Dialect } from "./dialect.ts";
import { parseJson } from "./json.ts";
import { createProvider } from "./mjproxy.ts";
import { parseTask, parseTasks } from "./report.ts";
import { parseSubmitResponse } from "./submit-response.ts";
import { DIALECTS } from "./vendors/index.ts";

interface Expectation {
  outcome?: "accepted" | "accepted-many" | "uploaded" | "rejected" | "modal" | "existed" | "unknown";
  retryable?: boolean;
  taskId?: string;
  taskIds?: number;
  bannedWord?: string;
  status?: string;
  progress?: number | null;
  buttons?: number;
  /** Press names of all buttons. */
  names?: string[];
  failure?: string;
  /** Link to the picture of a running task. */
  preview?: string;
  images?: number;
  videos?: number;
  count?: number;
  /** Maps a `state` to the vendor task id that a search of the list must find. */
  found?: Record<string, string>;
}

interface Fixture {
  file: string;
  kind: "submit" | "error" | "image-seed" | "task" | "task-list" | "callback";
  httpStatus?: number;
  expect?: Expectation;
}

const folder = new URL("../fixtures/", import.meta.url);
const textOf = (file: string) => readFileSync(new URL(file, folder), "utf8");
const fixtures = JSON.parse(textOf("index.json")) as Fixture[];

/** Converts an outcome of index.json to the kind of our outcome. A retryable rejection is busy: no task exists. */
function outcomeKind({ outcome, retryable }: Expectation): string {
  if (outcome === "rejected") return retryable ? "busy" : "refused";
  if (outcome === "modal") return "modal";
  if (outcome === "unknown" || outcome === "uploaded") return "unclear";
  return "accepted";
}

/** Button counts that differ from index.json by design. */
const CHANGE_BUTTONS: Record<string, number> = {
  // A finished grid of novicezk has no buttons. This dialect can press by index, so the report gets nine buttons.
  "task-success-imagine.novicezk.json": 9,
  "callback-success.novicezk.json": 9,
  "callback-success.crazyrouter.json": 9,
};

describe.each([...DIALECTS.values()])("dialect $id", (dialect) => {
  const submits = fixtures.filter(({ kind }) => kind === "submit" || kind === "error");
  test.each(submits)(
    "the submit response $file has the expected outcome",
    ({ file, httpStatus = 200, expect: wanted = {} }) => {
      const outcome = parseSubmitResponse({ kind: "answered", status: httpStatus, text: textOf(file) }, dialect);
      expect(outcome.kind).toBe(outcomeKind(wanted));
      if (wanted.taskId) expect(outcome).toMatchObject({ vendorTaskId: wanted.taskId });
      if (wanted.outcome === "existed") expect(outcome).toMatchObject({ existing: true });
      if (wanted.taskIds) expect(outcome).toMatchObject({ siblings: { length: wanted.taskIds - 1 } });
      if (wanted.bannedWord) {
        expect(outcome).toMatchObject({
          failure: { code: "banned_prompt", vendor: { bannedWord: wanted.bannedWord } },
        });
      }
    },
  );

  const tasks = fixtures.filter(({ kind }) => kind === "task" || kind === "callback");
  test.each(tasks)("the task object $file has the expected report", ({ file, kind, expect: wanted = {} }) => {
    const text = textOf(file);
    const report =
      kind === "callback" ? readCallback(dialect.id, text) : parseTask(parseJson(text), readOptions(dialect));
    expect(report?.status).toBe(wanted.status);
    // A callback handler that drops steps reads the same status, and each report that needs a write in full.
    const { status, unknownStatus } = report!;
    const brief = { ...(status && { status }), ...(unknownStatus && { unknownStatus }), result: {} };
    const isStep = !needsWrite(report!);
    expect(readCallback(dialect.id, text, { dropsSteps: true })).toEqual(
      isStep ? brief : readCallback(dialect.id, text),
    );
    if (wanted.progress !== undefined) expect(report!.progress ?? null).toBe(wanted.progress);
    if (wanted.taskId) expect(report!.vendorTaskId).toBe(wanted.taskId);
    // Buttons that mjflow adds for presses by /submit/video are no part of the body (video.test.ts).
    const buttons = (report!.result.buttons ?? []).filter(({ customId }) => !customId.startsWith("mjflow::video::"));
    const asSent = { ...readOptions(dialect), canPress: () => true, videoBy: undefined };
    const every = parseTask(parseJson(text), asSent)!.result.buttons ?? [];
    expect(every).toHaveLength(buttonCount(dialect, file, wanted, every.length));
    // A relay that cannot press a button does not offer it.
    expect(buttons).toEqual(every.filter(({ customId }) => canPress(dialect, customId)));
    if (wanted.names) expect(every.map(({ customId }) => canonicalButtonName(customId))).toEqual(wanted.names);
    if (wanted.preview) expect(report!.previewUrl).toBe(wanted.preview);
    if (report!.status !== "IN_PROGRESS") expect(report!.previewUrl).toBeUndefined();
    if (wanted.failure) expect(failureOf(report!).code).toBe(wanted.failure);
    if (wanted.images) expect(report!.result.images).toHaveLength(wanted.images);
    if (wanted.videos !== undefined) expect(report!.result.videos ?? []).toHaveLength(wanted.videos);
    const shown = Object.keys(report!.result);
    if (report!.status === "MODAL") expect(["", "finalPrompt"]).toContain(shown.join());
    else if (!isFinal(report!.status)) expect(shown).toEqual([]);
  });

  const lists = fixtures.filter(({ kind }) => kind === "task-list");
  test.each(lists)("the task list $file has the expected tasks", async ({ file, expect: { count, found } = {} }) => {
    const body = textOf(file);
    expect(parseTasks(parseJson(body), readOptions(dialect))).toHaveLength(count!);
    if (!found || dialect.search.length === 0) return;
    const provider = createProvider(dialect, {
      httpClient: async () => ({ kind: "answered", status: 200, text: body }),
    });
    const states = [...Object.keys(found), "j_01JZX9"];
    const { reports } = await provider.search(states, { baseUrl: "https://vendor.test", apiKey: "key" });
    expect(Object.fromEntries(reports.map(({ state, vendorTaskId }) => [state, vendorTaskId]))).toEqual(found);
  });

  test("a stored raw report contains no callback URL, no mask and no internals of the vendor", () => {
    for (const { file } of tasks) {
      const raw = readCallback(dialect.id, textOf(file))!.result.raw ?? "";
      for (const word of [
        "notifyHook",
        "hooks.example.com",
        "maskBase64",
        "203.0.113.7",
        "discordInstanceId",
        "nonce",
      ]) {
        expect(raw, file).not.toContain(word);
      }
    }
  });
});

function buttonCount({ change }: Dialect, file: string, { buttons }: Expectation, read = 0): number {
  if (change && CHANGE_BUTTONS[file]) return CHANGE_BUTTONS[file];
  return buttons ?? read;
}

test("the fixtures cover every kind of body", () => {
  const files = fixtures.map(({ file }) => file);
  const kinds = new Set(fixtures.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["callback", "error", "image-seed", "submit", "task", "task-list"]);
  expect(files.length).toBeGreaterThan(70);
});

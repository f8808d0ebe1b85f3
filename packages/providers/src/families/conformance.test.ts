/**
 * Every family reads all of its fixtures, and sends what its documents say. A fixture has a request, or none for a callback, and the
 * body that the vendor answers or posts. `fixtures/<id>/expected.json` says what it means.
 */
import { readdirSync, readFileSync } from "node:fs";
import { canonicalButtonName, isUnsupportedName, modalKindOf, resolvePress } from "@mjflow/core/button";
import { type CallContext, LookupError, type LookupResult, type Provider, type SubmitOutcome } from "@mjflow/core/port";
import { isFinal, type Report } from "@mjflow/core/report";
import { ROOT_ACTIONS } from "@mjflow/core/root-action";
import { failureOf } from "@mjflow/core/state";
import { describe, expect, test } from "vitest";
import { STRANGE, withEachValue } from "../../test/strange-body.ts";
import { readCallback } from "../callback.ts";
import type { FamilyReader } from "../family.ts";
import type { HttpOutcome, VendorHttpRequest } from "../http-client.ts";
import { PROVIDER_IDS } from "../vendors/index.ts";
import { ABOUT } from "./about.ts";
import { readAnyCallback } from "./callback.ts";
import { FORMS } from "./index.ts";
import { createFamilyProvider } from "./provider.ts";
import { READERS } from "./readers.ts";

interface Fixture {
  source: string;
  kind: "submit" | "callback" | "lookup";
  http: { request?: { method: string; url: string; headers: Record<string, string>; body?: object }; status?: number };
  body: unknown;
}

interface Expected {
  /** What to call for a submit fixture: a root action, or the press name of a button of a callback fixture. */
  call?: string;
  outcome?: SubmitOutcome["kind"];
  failure?: string;
  taskId?: string;
  existing?: true;
  /** Ids to look up, or states to search, and the statuses of the tasks that are found. */
  lookup?: string[];
  search?: string[];
  found?: Record<string, string>;
  status?: string;
  progress?: number;
  images?: number;
  names?: (string | null)[];
  seed?: string;
  state?: string;
}

interface Folder {
  /** Mode of the documents' samples; unset: none. */
  mode?: "fast";
  /** Fields of the documents' samples that mjflow does not send. */
  notSent: string[];
  fixtures: Record<string, Expected>;
}

const ORIGIN = "https://mjflow.example/callbacks/tok_1.a1b2c3";
const KEY = "vendor-key-1";
const ORIGINS: Readonly<Record<string, string>> = {
  ttapi: "https://api.ttapi.io",
  acedatacloud: "https://api.acedata.cloud",
  useapi: "https://api.useapi.net",
  legnext: "https://api.legnext.ai",
};
const context = (id: string, mode?: CallContext["mode"]): CallContext => ({
  account: { baseUrl: ORIGINS[id]!, apiKey: KEY },
  notifyHook: ORIGIN,
  state: "01JZX9_0_1",
  ...(mode && { mode }),
});
const read = <T>(url: URL) => JSON.parse(readFileSync(url, "utf8")) as T;
const answered = ({ http, body }: Fixture): HttpOutcome => ({
  kind: "answered",
  status: http.status ?? 200,
  text: JSON.stringify(body),
});

/** Returns a provider whose vendor answers every request alike, and what it has sent. */
function providerWith(id: string, answer: HttpOutcome | ((request: VendorHttpRequest) => HttpOutcome)) {
  const sent: VendorHttpRequest[] = [];
  const provider = createFamilyProvider(FORMS.get(id)!, {
    httpClient: async (request) => {
      sent.push(request);
      return typeof answer === "function" ? answer(request) : answer;
    },
  });
  return { provider, sent };
}

test("every family with a form has a reader of callbacks, and no id of the family mjproxy", () => {
  expect(Object.keys(READERS).sort()).toEqual([...FORMS.keys()].sort());
  expect([...FORMS.keys()].filter((id) => PROVIDER_IDS.includes(id))).toEqual([]);
  for (const { id, unproven } of FORMS.values()) {
    expect(ABOUT[id]!.sources.length, id).toBeGreaterThan(0);
    expect(Object.keys(ABOUT[id]!.unproven).sort(), id).toEqual(Object.keys(unproven).sort());
  }
});

describe.each([...FORMS.values()])("family $id", (form) => {
  const { id, capabilities } = form;
  const folder = new URL(`../../fixtures/${id}/`, import.meta.url);
  const { mode, notSent, fixtures } = read<Folder>(new URL("expected.json", folder));
  const cases = Object.entries(fixtures).map(([file, wanted]) => {
    return { file, wanted, fixture: read<Fixture>(new URL(file, folder)) };
  });
  const of = (kind: Fixture["kind"]) => cases.filter(({ fixture }) => fixture.kind === kind);
  const reader = (): Promise<FamilyReader> => READERS[id]!();
  const reports = async (): Promise<Report[]> => {
    const { readCallback } = await reader();
    return of("callback").map(({ fixture }) => readCallback(JSON.stringify(fixture.body))!);
  };

  /** The parent whose buttons have this name, from the callback fixtures. */
  async function buttonOf(name: string) {
    for (const { vendorTaskId, result } of await reports()) {
      const found = resolvePress(name, result.buttons ?? []);
      if (found.ok) return { vendorTaskId: vendorTaskId!, customId: found.button.customId };
    }
    // A vendor whose pictures come with the grid makes their tasks without a request.
    for (const { vendorTaskId, result, ...grid } of await reports()) {
      const found = resolvePress("upscale:2", result.buttons ?? []);
      if (!found.ok) continue;
      const { provider } = providerWith(
        id,
        answered(
          of("callback").find((each) => each.wanted.taskId === vendorTaskId && each.wanted.status === grid.status)!
            .fixture,
        ),
      );
      const picture = await provider.press(
        { vendorTaskId: vendorTaskId!, customId: found.button.customId },
        context(id),
      );
      if (picture.kind !== "accepted") continue;
      const [report] = (await provider.lookup([picture.vendorTaskId], context(id).account)).reports;
      const button = resolvePress(name, report?.result.buttons ?? []);
      if (button.ok) return { vendorTaskId: picture.vendorTaskId, customId: button.button.customId };
    }
    throw new Error(`no fixture of ${id} has a button ${name}`);
  }

  async function call(provider: Provider, what: string): Promise<SubmitOutcome> {
    if (what === "imagine")
      return provider.submit(
        { action: "imagine", prompt: "a red fox in snow --ar 16:9", inputs: {} },
        context(id, mode),
      );
    return provider.press(await buttonOf(what), context(id, mode));
  }

  test("every fixture of the folder has an expectation", () => {
    const files = readdirSync(folder).filter((file) => file.endsWith(".json") && file !== "expected.json");
    expect(Object.keys(fixtures).sort()).toEqual(files.sort());
  });

  test.each(of("submit"))("$file: the request and the outcome are as documented", async ({ wanted, fixture }) => {
    const { provider, sent } = providerWith(id, answered(fixture));
    const outcome = await call(provider, wanted.call!);
    expect(outcome.kind).toBe(wanted.outcome);
    if (wanted.taskId) expect(outcome).toMatchObject({ vendorTaskId: wanted.taskId });
    if (wanted.existing) expect(outcome).toMatchObject({ existing: true });
    if (wanted.failure) expect(outcome).toMatchObject({ failure: { code: wanted.failure } });
    const { method, url, headers, body = {} } = fixture.http.request!;
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ method, url });
    for (const [name, value] of Object.entries(headers)) {
      if (["accept", "content-type"].includes(name.toLowerCase())) continue;
      const shown = Object.entries(sent[0]!.headers).find(([other]) => other.toLowerCase() === name.toLowerCase());
      expect(shown?.[1], name).toBe(value.replace("<key>", KEY));
    }
    for (const [name, value] of Object.entries(body)) {
      if (notSent.includes(name)) continue;
      const shown = (sent[0]!.body as Record<string, unknown>)[name];
      // The address has our reference behind it, and a reference of the documents is another one.
      if (typeof value === "string" && value.startsWith(ORIGIN)) expect(shown, name).toMatch(`${ORIGIN}`);
      else if (value === "mjf_0001" || value === "mjf_0002") expect(shown, name).toBe("01JZX9_0_1");
      else expect(shown, name).toEqual(value);
    }
  });

  function expectReport(report: Report | undefined, wanted: Expected): void {
    if (wanted.status) expect(report?.status).toBe(wanted.status);
    if (wanted.taskId) expect(report?.vendorTaskId).toBe(wanted.taskId);
    if (wanted.progress !== undefined) expect(report?.progress).toBe(wanted.progress);
    if (wanted.images !== undefined) expect(report?.result.images ?? []).toHaveLength(wanted.images);
    if (wanted.seed) expect(report?.result.seed).toBe(wanted.seed);
    if (wanted.state) expect(report?.state).toBe(wanted.state);
    if (wanted.failure) expect(failureOf(report!).code).toBe(wanted.failure);
    const names = report?.result.buttons?.map(({ customId }) => canonicalButtonName(customId) ?? null);
    if (wanted.names) expect(names).toEqual(wanted.names);
  }

  test.each(of("callback"))("$file: the callback has the expected report", async ({ wanted, fixture }) => {
    const report = await readAnyCallback(id, JSON.stringify(fixture.body));
    expectReport(report, wanted);
    if (report!.status === "SUCCESS") expect(report!.result.imageUrl).toMatch(/^https:/);
    // Apps read the stored body, so it must not have our address.
    expect(report!.result.raw ?? "").not.toMatch(/callbacks|tok_1|mjf_000/);
  });

  test.each(of("lookup"))("$file: the look-up finds the expected tasks", async ({ wanted, fixture }) => {
    const { provider, sent } = providerWith(id, answered(fixture));
    const { account } = context(id);
    const ask = wanted.search ? provider.search(wanted.search, account) : provider.lookup(wanted.lookup!, account);
    const found = await ask;
    const named = found.reports.map((report) => [wanted.search ? report.state : report.vendorTaskId, report.status]);
    expect(Object.fromEntries(named)).toEqual(wanted.found);
    expect(found.requests).toBe(sent.length);
    if (found.reports.length > 0) expectReport(found.reports[0], { ...wanted, status: undefined!, taskId: undefined! });
    const { method, url, body } = fixture.http.request!;
    if (!wanted.search) expect(sent[0]).toMatchObject({ method, url, ...(body && { body }) });
  });

  test("every button of a fixture is pressed with one request, or opens a modal without one", async () => {
    const [ok] = of("submit").filter(({ wanted }) => wanted.outcome === "accepted" && !wanted.existing);
    for (const { vendorTaskId, result } of await reports()) {
      for (const { customId } of result.buttons ?? []) {
        const { provider, sent } = providerWith(id, answered(ok!.fixture));
        const outcome = await provider.press({ vendorTaskId: vendorTaskId!, customId }, context(id));
        const name = canonicalButtonName(customId);
        expect(customId.length, customId).toBeLessThanOrEqual(300);
        expect(isUnsupportedName(name, capabilities.unsupportedPresses), customId).toBe(false);
        if (outcome.kind === "modal") {
          expect(sent, customId).toEqual([]);
          expect(modalKindOf(name), customId).toBe("always");
          const mask = "data:image/png;base64,iVBORw0KGgo=";
          const answer = { vendorTaskId: outcome.vendorTaskId, prompt: "a red hat", maskBase64: mask };
          expect((await provider.modal(answer, context(id))).kind, customId).toBe("accepted");
        } else expect(outcome.kind, customId).toBe("accepted");
        // A picture that came with its grid is selected without a request.
        const isThere = sent.length === 0 && outcome.kind === "accepted" && outcome.existing === true;
        if (!isThere) expect(sent, customId).toHaveLength(1);
      }
    }
  });

  test("root actions that the family does not declare are refused without a request", async () => {
    const inputs = {
      base64Array: ["https://x.example/a.png", "https://x.example/b.png"],
      image: "https://x.example/a.png",
    };
    const data = { base64Array: ["data:image/png;base64,aa==", "data:image/png;base64,bb=="] };
    for (const action of ROOT_ACTIONS) {
      const { provider, sent } = providerWith(id, { kind: "lost", reason: "timeout" });
      const isDeclared = capabilities.rootActions.includes(action);
      const images = capabilities.dataOnly?.includes(action) ? data : inputs;
      const outcome = await provider.submit({ action, prompt: "a boat", inputs: images }, context(id));
      expect(outcome.kind, action).toBe(isDeclared ? "unclear" : "refused");
      expect(sent, action).toHaveLength(isDeclared ? 1 : 0);
    }
  });

  const failures: [string, HttpOutcome, object][] = [
    ["no connection", { kind: "unsent", reason: "ECONNREFUSED" }, { kind: "busy", about: "connection" }],
    ["no response", { kind: "lost", reason: "timeout" }, { kind: "unclear", reason: "timeout" }],
    ["status 500 without a body", { kind: "answered", status: 500, text: "" }, { kind: "unclear" }],
    [
      "status 502 with a page",
      { kind: "answered", status: 502, text: "<html>bad gateway</html>" },
      { kind: "unclear" },
    ],
    ["status 504", { kind: "answered", status: 504, text: '{"message":"timeout"}' }, { kind: "unclear" }],
    ["an empty 200", { kind: "answered", status: 200, text: "" }, { kind: "unclear" }],
    ["a page in a 200", { kind: "answered", status: 200, text: "<html>hello</html>" }, { kind: "unclear" }],
    ["a page with 403", { kind: "answered", status: 403, text: "<html>blocked</html>" }, { kind: "busy" }],
    [
      "a 429 with Retry-After",
      { kind: "answered", status: 429, text: "{}", retryAfterMs: 7_000 },
      { kind: "busy", afterMs: 7_000 },
    ],
    ["a redirect", { kind: "answered", status: 301, text: "" }, { kind: "refused", failure: { code: "unsupported" } }],
  ];
  test.each(failures)("a submission with %s has the outcome that it proves", async (_, answer, outcome) => {
    const { provider } = providerWith(id, answer);
    expect(await call(provider, "imagine")).toMatchObject(outcome);
  });

  test("a response that was cut after the id is an acceptance", async () => {
    const { fixture } = of("submit").find(({ wanted }) => wanted.outcome === "accepted")!;
    const { provider } = providerWith(id, { kind: "lost", reason: "ECONNRESET", text: JSON.stringify(fixture.body) });
    expect(await call(provider, "imagine")).toMatchObject({ kind: "accepted" });
  });

  test("a refusal contains neither the key nor our address", async () => {
    for (const { fixture } of of("submit").filter(({ wanted }) => wanted.outcome === "refused")) {
      const text = JSON.stringify(fixture.body).replace(/"message":"/g, `"message":"${KEY} ${ORIGIN} `);
      const { provider } = providerWith(id, { ...answered(fixture), text } as HttpOutcome);
      expect(JSON.stringify(await call(provider, "imagine"))).not.toMatch(/vendor-key-1|tok_1/);
    }
  });

  test("a look-up that cannot be read is a failed look-up, and an unauthorized one says so", async () => {
    const { account } = context(id);
    for (const status of [200, 500]) {
      const { provider } = providerWith(id, { kind: "answered", status, text: "<html>busy</html>" });
      await expect(provider.lookup(["5f0c1d2e-0a1b-4c3d-8e4f-000000000101"], account)).rejects.toThrow(LookupError);
    }
    const { provider } = providerWith(id, { kind: "answered", status: 401, text: '{"message":"key"}' });
    await expect(provider.lookup(["5f0c"], account)).rejects.toMatchObject({ unauthorized: true });
    const off = providerWith(id, { kind: "unsent", reason: "ECONNREFUSED" });
    await expect(off.provider.lookup(["5f0c"], account)).rejects.toMatchObject({ unreachable: true });
  });

  test("no damaged answer to a look-up ends a task or counts as its absence", async () => {
    const { account } = context(id);
    const answers = of("lookup").filter(({ wanted }) => wanted.lookup && Object.keys(wanted.found!).length > 0);
    expect(answers).not.toEqual([]);
    for (const { wanted, fixture, file } of answers) {
      const ids = wanted.lookup!;
      const whole = JSON.stringify(fixture.body);
      const cuts = Array.from({ length: 60 }, (_, n) => whole.slice(0, Math.floor((whole.length * n) / 60)));
      const changed = STRANGE.flatMap((strange) => withEachValue(fixture.body, strange)).map((body) =>
        JSON.stringify(body),
      );
      const others = ids.map((own) => whole.replaceAll(own, "9f9f9f9f-0000-4000-8000-000000000999"));
      for (const text of [...cuts, ...changed, ...others]) {
        const { provider } = providerWith(id, { kind: "answered", status: 200, text });
        const found = await provider.lookup(ids, account).catch((error: unknown) => error);
        if (found instanceof LookupError) continue;
        const { reports, failed = [] } = found as LookupResult;
        const known = [...failed, ...reports.map(({ vendorTaskId }) => vendorTaskId)];
        expect([...new Set(known)].sort(), `${file}: ${text}`).toEqual([...ids].sort());
        for (const { vendorTaskId, status } of reports) {
          const isTrue = status === wanted.found![vendorTaskId!];
          expect(isTrue || !isFinal(status), `${file}: ${status} from ${text}`).toBe(true);
        }
      }
    }
  });

  test("bodies that are no tasks are no callbacks", async () => {
    for (const body of ["", "null", "[]", "{}", '"text"', "12", '{"hello":"world"}', "<html></html>"])
      expect(await readAnyCallback(id, body), body).toBeUndefined();
  });

  test("no value of a callback makes its reader fail, and no field gets a value of another type", async () => {
    const bodies = of("callback").map(({ fixture }) => fixture.body);
    expect(bodies).not.toEqual([]);
    for (const body of bodies) {
      for (const strange of STRANGE) {
        for (const changed of withEachValue(body, strange)) {
          const report = await readAnyCallback(id, JSON.stringify(changed));
          const { status, unknownStatus, failReason, state, vendorTaskId, result } = report ?? {};
          const texts = [status, unknownStatus, failReason, state, vendorTaskId, result?.prompt, result?.seed];
          for (const text of texts) expect(["string", "undefined"]).toContain(typeof text);
          for (const { customId } of result?.buttons ?? []) expect(customId).not.toMatch(/native code|\[object/);
        }
      }
    }
  });

  test("the base URL may have the path of the API already, or a slash at its end", async () => {
    const [first] = of("submit");
    const [path] = ABOUT[id]!.wire.paths.split(" ");
    for (const more of ["/", path!, `${path}/`]) {
      const { provider, sent } = providerWith(id, answered(first!.fixture));
      const account = { baseUrl: `${ORIGINS[id]}${more}`, apiKey: KEY };
      await provider.submit({ action: "imagine", prompt: "a boat", inputs: {} }, { ...context(id), account });
      expect(sent[0]!.url).toBe(fixtureUrl());
    }
    function fixtureUrl() {
      return of("submit").find(({ wanted }) => wanted.call === "imagine")!.fixture.http.request!.url;
    }
  });
});

test("a vendor without a family of its own is read by the rules of midjourney-proxy", () => {
  const body = '{"id":"9","status":"SUCCESS","imageUrl":"https://x.example/a.png"}';
  expect(readAnyCallback("nobody", body)).toEqual(readCallback("nobody", body));
  expect(readAnyCallback("constructor", body)).toEqual(readCallback("constructor", body));
});

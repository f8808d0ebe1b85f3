/** The midjourney-proxy protocol. It implements the port `Provider` for every dialect. */
import { canonicalButtonName, modalKindOf } from "@mjflow/core/button";
import { withoutEndSlashes } from "@mjflow/core/end-slash";
import { failure } from "@mjflow/core/error";
import { LOOKUP_BATCH, LOOKUP_TIMEOUT_MS, SUBMIT_ANSWER_TIMEOUT_MS } from "@mjflow/core/limit";
import {
  type AccountConfig,
  type CallContext,
  LookupError,
  type LookupResult,
  type Provider,
  type RootCall,
  type SubmitOutcome,
} from "@mjflow/core/port";
import type { Report } from "@mjflow/core/report";
import { readCallback, readOptions } from "./callback.ts";
import { capabilitiesOf, type Dialect, type Operation, ROUTES } from "./dialect.ts";
import type { ProviderDeps } from "./family.ts";
import { fetchEach } from "./fetch-each.ts";
import type { HttpOutcome } from "./http-client.ts";
import { type Fields, integerOf, isFields, linkOf, parseDocuments, parseJson, textOf } from "./json.ts";
import { legacyChangeOf } from "./legacy-change.ts";
import { cleanVendorText } from "./redact.ts";
import { isErrorEnvelope, latestById, parseTask, parseTasks, taskList } from "./report.ts";
import { type FetchRecentTasks, searchRecentTasks } from "./search.ts";
import { failureTextOf, parseSubmitResponse } from "./submit-response.ts";
import { videoBody, videoPressOf } from "./video.ts";

/** A provider of this family. @property readCallback parses a callback body; pure. Undefined: the body is no task object. */
export type MjproxyProvider = Provider & { readCallback(body: string): Report | undefined };

type Body = Record<string, unknown>;

interface LookupRequest {
  id?: string;
  body?: Body;
  partial?: true;
}

const UNSUPPORTED_OUTCOME: SubmitOutcome = { kind: "refused", failure: failure("unsupported") };

export function createProvider(dialect: Dialect, deps: ProviderDeps): MjproxyProvider {
  const { httpClient, submitTimeoutMs = SUBMIT_ANSWER_TIMEOUT_MS, lookupTimeoutMs = LOOKUP_TIMEOUT_MS } = deps;

  async function submit(operation: Operation, body: Body, context: CallContext): Promise<SubmitOutcome> {
    if (!dialect.operations.includes(operation)) return UNSUPPORTED_OUTCOME;
    const url = urlOf(dialect, operation, context.account, context.mode);
    const { idempotencyHeader: name } = dialect;
    const key = name !== undefined && context.idempotencyKey !== undefined && { [name]: context.idempotencyKey };
    const headers = { ...headersOf(dialect, context.account), ...key };
    const common = { notifyHook: context.notifyHook, state: context.state };
    const outcome = await httpClient({
      method: "POST",
      url,
      headers,
      body: { ...body, ...common },
      timeoutMs: submitTimeoutMs,
    });
    const prompt = typeof body["prompt"] === "string" ? { prompt: body["prompt"] } : {};
    return parseSubmitResponse(outcome, dialect, { ...prompt, apiKey: context.account.apiKey });
  }

  function requestLookup(
    operation: Operation,
    account: AccountConfig,
    { id, body, partial }: LookupRequest = {},
  ): Promise<HttpOutcome> {
    const url = urlOf(dialect, operation, account).replace("{id}", encodeURIComponent(id ?? ""));
    const headers = headersOf(dialect, account);
    return httpClient({ method: body ? "POST" : "GET", url, headers, body, partial, timeoutMs: lookupTimeoutMs });
  }

  async function fetchOne(id: string, account: AccountConfig): Promise<Report | undefined> {
    const outcome = await requestLookup("fetch", account, { id });
    if (outcome.kind === "answered" && isUnknownTask(outcome)) return undefined;
    const body = parseJson(textOr(outcome, account));
    // An array of one task, or of none.
    const task = Array.isArray(body) ? body[0] : body;
    if (Array.isArray(body) && body.length === 0) return undefined;
    const report = parseTask(task, readOptions(dialect, account.baseUrl));
    // Anything that is no task is an error in a 200. It says nothing about the task.
    if (!report) throw new LookupError(errorTextOf(task, account) ?? "the response is no task");
    return { ...report, vendorTaskId: report.vendorTaskId ?? id };
  }

  const fetchAll = (ids: readonly string[], account: AccountConfig) => fetchEach(ids, (id) => fetchOne(id, account));

  async function listBatch(ids: readonly string[], account: AccountConfig): Promise<LookupResult> {
    const outcome = await requestLookup("list", account, { body: { ids } });
    if (isNoRoute(outcome)) {
      const each = await fetchAll(ids, account);
      return { ...each, requests: each.requests + 1 };
    }
    const body = parseJson(textOr(outcome, account));
    // An error in a 200 or an HTML page is a failed look-up. It does not mean that the vendor does not know the tasks.
    if (!taskList(body)) throw new LookupError(errorTextOf(body, account) ?? "the response is no list of tasks");
    return { reports: latestById(parseTasks(body, readOptions(dialect, account.baseUrl))), requests: 1 };
  }

  return {
    id: dialect.id,
    title: dialect.title,
    capabilities: capabilitiesOf(dialect),

    async submit(call, context) {
      const body = rootBody(dialect, call, context);
      return body ? submit(call.action, body, context) : UNSUPPORTED_OUTCOME;
    },

    async press(call, context) {
      const { vendorTaskId, customId } = call;
      const video = videoPressOf(call, dialect.promptActions.includes("video"));
      if (video === "no image") return { kind: "refused", failure: failure("input_missing") };
      if (video) return submit("video", video, context);
      const change = dialect.change && legacyChangeOf(customId);
      if (change) return submit("change", { taskId: vendorTaskId, ...change }, context);
      const sameChannel = dialect.chooseSameChannel ? { chooseSameChannel: true } : {};
      const wantsRemix = call.prompt !== undefined && modalKindOf(canonicalButtonName(customId)) === "remix";
      const asked = wantsRemix && dialect.remix === "enableRemix" ? { enableRemix: true } : {};
      const filter = filterOf(dialect, context, wantsRemix && dialect.remix === "accountFilter");
      return submit("action", { taskId: vendorTaskId, customId, ...sameChannel, ...asked, ...filter }, context);
    },

    modal({ vendorTaskId, prompt, maskBase64 }, context) {
      return submit("modal", { taskId: vendorTaskId, prompt, maskBase64 }, context);
    },

    async lookup(ids, account) {
      if (!dialect.operations.includes("list")) return fetchAll(ids, account);
      const reports: Report[] = [];
      const failed: string[] = [];
      let requests = 0;
      for (let i = 0; i < ids.length; i += LOOKUP_BATCH) {
        const batch = await listBatch(ids.slice(i, i + LOOKUP_BATCH), account);
        reports.push(...batch.reports);
        failed.push(...(batch.failed ?? []));
        requests += batch.requests;
      }
      return { reports, requests, failed };
    },

    search(states, account) {
      const recent: FetchRecentTasks = async (operation, body) => {
        const outcome = await requestLookup(operation, account, { body, partial: true });
        if (isNoRoute(outcome)) return undefined;
        const text = textOr(outcome, account);
        const cut = isCut(outcome);
        const list = cut ? parseDocuments(text)[0]?.value : parseJson(text);
        if (!taskList(list)) throw new LookupError(errorTextOf(list, account) ?? "the list of recent tasks is no list");
        return { body: list, cut };
      };
      return searchRecentTasks(recent, dialect, states, readOptions(dialect, account.baseUrl));
    },

    readCallback: (body) => readCallback(dialect.id, body),

    async seed(id, account) {
      if (!dialect.operations.includes("seed")) return undefined;
      const outcome = await requestLookup("seed", account, { id });
      if (outcome.kind === "answered" && (outcome.status === 404 || outcome.status === 400)) return undefined;
      const body = parseJson(textOr(outcome, account));
      return isFields(body) && integerOf(body["code"]) === 1 ? textOf(body["result"], 20) : undefined;
    },

    async upload(images, account) {
      if (!dialect.operations.includes("upload")) return { kind: "refused", failure: failure("unsupported") };
      const url = urlOf(dialect, "upload", account);
      const body = { base64Array: images };
      const outcome = await httpClient({
        method: "POST",
        url,
        headers: headersOf(dialect, account),
        body,
        timeoutMs: submitTimeoutMs,
      });
      return readUpload(outcome, dialect);
    },
  };
}

// ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** @internal Accepts a base URL with or without /v1 or /mj, because vendor documents show all forms. */
export function urlOf(
  dialect: Dialect,
  operation: Operation,
  account: AccountConfig,
  mode?: CallContext["mode"],
): string {
  const prefix = mode && dialect.mode === "path" ? dialect.modePrefix(mode) : dialect.prefix;
  const base = withoutEndSlashes(account.baseUrl).replace(/\/mj$/, "");
  const origin = dialect.prefix.startsWith("/v1/") ? base.replace(/\/v1$/, "") : base;
  return `${origin}${prefix}${ROUTES[operation]}`;
}

/** @internal */
export function headersOf({ auth }: Dialect, { apiKey }: AccountConfig): Record<string, string> {
  return auth === "bearer" ? { authorization: `Bearer ${apiKey}` } : { "mj-api-secret": apiKey };
}

/** Returns the body of a root; undefined if the dialect does not support the inputs. */
function rootBody(dialect: Dialect, call: RootCall, context: CallContext): Body | undefined {
  const { inputs, dimensions } = call;
  const images = inputs.base64Array ?? [];
  const all = [...images, inputs.sourceBase64, inputs.targetBase64, inputs.image, inputs.endImage];
  const mayBeLinks = call.action === "swap-face" ? dialect.swapLinks : dialect.links;
  if (!mayBeLinks && all.some((image) => image !== undefined && isLink(image))) return undefined;
  const botType = context.botType ? { botType: context.botType } : {};
  const common = { ...botType, ...filterOf(dialect, context) };
  switch (call.action) {
    case "imagine":
      return { prompt: promptOf(dialect, call, context), ...(images.length > 0 && { base64Array: images }), ...common };
    case "blend":
      return { base64Array: images, ...(dimensions && { dimensions }), ...common };
    case "describe":
      return { ...(isLink(images[0] ?? "") ? { link: images[0] } : { base64: images[0] }), ...common };
    case "shorten":
      return { prompt: call.prompt, ...botType };
    case "swap-face":
      return { ...imageField("source", inputs.sourceBase64), ...imageField("target", inputs.targetBase64), ...botType };
    case "video":
      return { ...videoBody(call, promptOf(dialect, call, context).trim()), ...filterOf(dialect, context) };
    case "edit":
    case "retexture": {
      const { image, maskBase64 } = inputs;
      const mask = maskBase64 !== undefined && { maskBase64 };
      return { prompt: promptOf(dialect, call, context), image, ...mask, ...common };
    }
  }
}

function imageField(name: "source" | "target", image = ""): Body {
  return isLink(image) ? { [`${name}Url`]: image } : { [`${name}Base64`]: image };
}

function isLink(image: string): boolean {
  return /^https?:/i.test(image);
}

/** Adds the mode as a flag to the prompt if the dialect has no other field for it and the prompt has no mode flag. */
function promptOf({ mode }: Dialect, { prompt = "" }: RootCall, context: CallContext): string {
  if (!context.mode || mode !== "prompt" || /(?:^|\s)--(?:fast|relax|turbo)\b/i.test(prompt)) return prompt;
  return `${prompt} --${context.mode}`;
}

/** @param remix true: only accounts with remix on may make the press */
function filterOf(dialect: Dialect, { mode, accountFilter }: CallContext, remix = false): Body {
  if (!dialect.accountFilter) return {};
  const modes = mode && dialect.mode === "accountFilter" ? { modes: [mode.toUpperCase()] } : {};
  const filter = { ...modes, ...(remix && { remix }), ...accountFilter };
  return Object.keys(filter).length > 0 ? { accountFilter: filter } : {};
}

// ── responses ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns the text of a successful response. @throws LookupError for any other outcome */
function textOr(outcome: HttpOutcome, account: AccountConfig): string {
  if (outcome.kind === "unsent") throw new LookupError(`not sent: ${outcome.reason}`, { unreachable: true });
  if (outcome.kind === "lost") throw new LookupError(outcome.reason);
  const { status, text } = outcome;
  if (status < 300) return text;
  const said = errorTextOf(parseJson(text), account);
  // A page with 403 is from a firewall in front of the vendor. It is not about the key.
  const unauthorized = status === 401 || (status === 403 && text.trim() !== "" && !/^\s*</.test(text));
  throw new LookupError(said ? `HTTP ${status}: ${said}` : `HTTP ${status}`, { unauthorized });
}

/** Returns what a body says about an error, without what belongs to the operator; undefined if it says nothing. */
function errorTextOf(body: unknown, { apiKey }: AccountConfig): string | undefined {
  const text = isFields(body) ? failureTextOf(body) : undefined;
  return text && cleanVendorText(text, apiKey);
}

function isNoRoute(outcome: HttpOutcome): boolean {
  return outcome.kind === "answered" && (outcome.status === 404 || outcome.status === 405);
}

function isCut(outcome: HttpOutcome): boolean {
  return outcome.kind === "answered" && outcome.cut === true;
}

/**
 * True if the vendor says that it does not know the task (docs/protocol.md 1.14): an empty 200 (novicezk), 204 (trueai-org),
 * a code word (new-api), a 404 about the task. A 404 about the route says nothing about the task.
 */
function isUnknownTask({ status, text }: Extract<HttpOutcome, { kind: "answered" }>): boolean {
  if (status === 204 || (status < 300 && text.trim() === "")) return true;
  const body = parseJson(text);
  const fields = isFields(body) ? body : {};
  const saysUnknown = UNKNOWN_TASK.test(failureTextOf(fields) ?? "");
  if (status === 404) return saysUnknown || (isFields(body) ? !isRouteError(fields) : text.trim() === "");
  return (status === 400 || (status < 300 && isErrorEnvelope(fields))) && saysUnknown;
}

/** @internal What vendors say about an unknown task. */
export const UNKNOWN_TASK =
  /task_?no_?t?_?found|task (?:is |was )?(?:not found|does not exist)|no such task|任务不存在|任务.{0,4}已失效/i;

/** True for the body of a missing route: of new-api, of Spring, of FastAPI, of a web server. */
function isRouteError(body: Fields): boolean {
  return (
    "path" in body ||
    "detail" in body ||
    /invalid url|cannot (?:get|post)|no route|route/i.test(failureTextOf(body) ?? "")
  );
}

function readUpload(outcome: HttpOutcome, dialect: Dialect): Awaited<ReturnType<Provider["upload"]>> {
  const body = outcome.kind === "answered" ? parseJson(outcome.text) : undefined;
  const result = isFields(body) ? body["result"] : undefined;
  if (outcome.kind === "answered" && outcome.status < 300 && Array.isArray(result)) {
    return { kind: "uploaded", urls: result.flatMap((url) => linkOf(url) ?? []) };
  }
  const read = parseSubmitResponse(outcome, dialect);
  // The response has an id instead of links, so there is nothing to use.
  return read.kind === "accepted" || read.kind === "modal" ? { kind: "unclear", reason: "no links" } : read;
}

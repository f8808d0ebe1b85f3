/** The calls of TTAPI. See README.md. */
import type { AccountConfig, CallContext, SearchResult, SubmitOutcome } from "@mjflow/core/port";
import { LookupError } from "@mjflow/core/port";
import type { Report } from "@mjflow/core/report";
import type { Connect } from "../../family.ts";
import { fetchEach } from "../../fetch-each.ts";
import { type Fields, isFields, textOf } from "../../json.ts";
import { addressWithRef } from "../shared/address.ts";
import { type AnswerRules, INPUT_MISSING, readAnswer, UNSUPPORTED } from "../shared/answer.ts";
import { createCaller } from "../shared/call.ts";
import { imageListOf, promptWithLinks } from "../shared/input.ts";
import { lookUpOrSearch, ownReport } from "../shared/lookup.ts";
import { localModalId, localModalOf, ownPressOf } from "../shared/press.ts";
import { FAMILY, failureCodeOf, INPAINT, jobIdOf, reportOf, stateOf } from "./read.ts";

/** @internal Path in front of the routes. */
export const PREFIX = "/midjourney/v1";
/** @internal */
export const headersOf = ({ apiKey }: AccountConfig): Record<string, string> => ({ "TT-API-KEY": apiKey });

/** @internal */
export const RULES: AnswerRules = {
  accepted(body, status) {
    if (body["status"] === "FAILED" || status >= 400 || !isFields(body["data"])) return undefined;
    const vendorTaskId = jobIdOf(body["data"]);
    return vendorTaskId === undefined ? undefined : { kind: "accepted", vendorTaskId };
  },
  // 499: the slots of this key are taken. Its word "insufficient" is not about money.
  statuses: { 499: "busy" },
  textsOf: ({ message }) => [message],
  meaningOf: failureCodeOf,
};

/** Pages of the list that a search reads, the newest first. */
const PAGES = 3;
const PAGE_SIZE = 100;

export const connect: Connect = (deps) => {
  const caller = createCaller(deps, PREFIX, headersOf, (body) => textOf(body["message"]));

  async function submit(path: string, body: Fields, context: CallContext, prompt?: string): Promise<SubmitOutcome> {
    const { account, notifyHook, state } = context;
    const common = { hookUrl: addressWithRef(notifyHook, state), notify_id: state };
    const outcome = await caller.submit(path, { ...body, ...common }, account);
    return readAnswer(outcome, RULES, { prompt, apiKey: account.apiKey });
  }

  async function fetchOne(jobId: string, account: AccountConfig): Promise<Report | undefined> {
    const body = await caller.ask(
      {
        path: `/fetch?jobId=${encodeURIComponent(jobId)}`,
        readError: (status, { message }) => (status === 404 && typeof message === "string" ? "unknown" : undefined),
      },
      account,
    );
    if (body === "unknown") return undefined;
    const report = reportOf(body, account.baseUrl);
    // A FAILED without an id is about the look-up.
    if (report?.vendorTaskId !== undefined) return ownReport(report, jobId);
    if (/\b(?:not (?:found|exist)|no such)\b/i.test(report?.failReason ?? "")) return undefined;
    throw new LookupError(report?.failReason ?? "the response is no task");
  }

  /** Returns the ids of the tasks with these states. A list whose items have neither address nor reference finds none. */
  async function searchIds(states: readonly string[], account: AccountConfig) {
    const missing = new Set(states);
    const found = new Map<string, string>();
    let requests = 0;
    for (let page = 1; page <= PAGES && missing.size > 0; page++) {
      requests++;
      const path = `/fetch-list?page=${page}&limit=${PAGE_SIZE}&order=desc`;
      const body = await caller.ask({ path }, account);
      const items = isFields(body) && Array.isArray(body["data"]) ? body["data"].filter(isFields) : undefined;
      if (!items) throw new LookupError("the list of tasks is no list");
      for (const item of items) {
        const state = stateOf(item);
        const jobId = jobIdOf(item);
        // The newest of several tasks with one state counts.
        if (state !== undefined && jobId !== undefined && missing.delete(state)) found.set(state, jobId);
      }
      if (items.length < PAGE_SIZE) break;
    }
    return { found, requests };
  }

  async function search(states: readonly string[], account: AccountConfig): Promise<SearchResult> {
    const { found, requests } = await searchIds(states, account);
    const entries = [...found];
    const { reports, failed } = await fetchEach(
      entries.map(([, jobId]) => jobId),
      (jobId) => fetchOne(jobId, account),
    );
    // These tasks exist. Without their reports they would count as not found, and would be paid again.
    if (failed.length > 0) throw new LookupError("a task of the list was not answered");
    const stateById = new Map(entries.map(([state, jobId]) => [jobId, state]));
    return {
      reports: reports.map((report) => ({ ...report, state: stateById.get(report.vendorTaskId!)! })),
      // The items of the list have no time, so it proves no absence.
      requests: requests + entries.length,
    };
  }

  return {
    async submit({ action, prompt = "", dimensions, inputs }, context) {
      if (context.botType === "NIJI_JOURNEY") return UNSUPPORTED;
      const mode = context.mode && { mode: context.mode };
      const images = inputs.base64Array ?? [];
      switch (action) {
        case "imagine": {
          const text = promptWithLinks(prompt, images);
          if (text === undefined) return UNSUPPORTED;
          return submit("/imagine", { prompt: text, ...mode, getUImages: true }, context, text);
        }
        case "blend": {
          const data = imageListOf(images, "data");
          if (!data) return UNSUPPORTED;
          const size = dimensions && { dimensions };
          return submit("/blend", { imgBase64Array: data, ...size, ...mode, getUImages: true }, context);
        }
        case "describe": {
          const [image] = images;
          if (image === undefined) return INPUT_MISSING;
          return submit("/describe", /^https?:/i.test(image) ? { url: image } : { base64: image }, context);
        }
        default:
          return UNSUPPORTED;
      }
    },

    async press({ customId, prompt }, context) {
      const press = ownPressOf(FAMILY, customId);
      if (!press) return UNSUPPORTED;
      const { word, parent } = press;
      // TTAPI has no modal. The mask comes with the modal answer, and one call does both.
      if (word === INPAINT) return { kind: "modal", vendorTaskId: localModalId({ ...press, state: context.state }) };
      if (prompt !== undefined) return UNSUPPORTED;
      const isSingle = word.startsWith("upsample") || /^(?:redo_)?upscale/.test(word);
      return submit("/action", { jobId: parent, action: word, ...(!isSingle && { getUImages: true }) }, context);
    },

    async modal({ vendorTaskId, prompt, maskBase64 }, context) {
      const modal = localModalOf(vendorTaskId);
      if (!modal) return UNSUPPORTED;
      if (maskBase64 === undefined) return INPUT_MISSING;
      // The vendor reads the mask without the head of a data URI.
      const mask = maskBase64.replace(/^data:[^,]*,/, "");
      const text = prompt === undefined ? {} : { prompt };
      return submit("/inpaint", { jobId: modal.parent, mask, ...text }, context, prompt);
    },

    lookup(ids, account) {
      const each = (named: readonly string[]) => fetchEach(named, (id) => fetchOne(id, account));
      return lookUpOrSearch(ids, account, each, search);
    },

    search,
    seed: async () => undefined,
    upload: async () => UNSUPPORTED,
  };
};

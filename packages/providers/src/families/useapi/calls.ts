/** The calls of useapi.net v3. See README.md. */
import { failure } from "@mjflow/core/error";
import {
  type AccountConfig,
  type CallContext,
  LookupError,
  type SearchResult,
  type SubmitOutcome,
} from "@mjflow/core/port";
import type { Report } from "@mjflow/core/report";
import type { Connect } from "../../family.ts";
import { fetchEach } from "../../fetch-each.ts";
import { type Fields, isFields, textOf } from "../../json.ts";
import { addressWithRef } from "../shared/address.ts";
import { type AnswerRules, INPUT_MISSING, readAnswer, UNSUPPORTED } from "../shared/answer.ts";
import { createCaller } from "../shared/call.ts";
import { imageListOf, promptWithLinks, promptWithMode } from "../shared/input.ts";
import { lookUpOrSearch, ownReport } from "../shared/lookup.ts";
import { localModalId, localModalOf, ownPressOf } from "../shared/press.ts";
import { FAMILY, jobIdOf, jobIn, reportOf } from "./read.ts";

/** @internal Path in front of the routes. */
export const PREFIX = "/v3/midjourney";
/** @internal */
export const headersOf = ({ apiKey }: AccountConfig): Record<string, string> => ({ authorization: `Bearer ${apiKey}` });

/** @internal */
export const RULES: AnswerRules = {
  accepted(body, status) {
    const job = status < 300 ? jobIn(body) : undefined;
    const vendorTaskId = jobIdOf(job?.["jobid"]);
    if (!job || vendorTaskId === undefined) return undefined;
    // U1 to U4 run once for a parent. A second press gets the job of the first, and no callback follows.
    const existing = job["verb"] === "button" && /^(?:progress|completed)$/i.test(String(job["status"]));
    if (!existing) return { kind: "accepted", vendorTaskId };
    const report = reportOf(body);
    return { kind: "accepted", vendorTaskId, existing, ...(report && { report }) };
  },
  statuses: {
    // The Discord or Midjourney account is not ready: only the operator can change that.
    412: "vendor_unauthorized",
    // A moderated job exists then. It is over and is not paid.
    422: "banned_prompt",
    // The parent of a button.
    404: "vendor_refused",
  },
  textsOf: ({ error, message }) => [error, message],
};

/** Running jobs that a search looks up. A Midjourney plan runs at most 15. */
const MAX_RUNNING = 20;
const SHAPES = { PORTRAIT: "Portrait", SQUARE: "Square", LANDSCAPE: "Landscape" } as const;
const CUSTOM_ZOOM = "zoom:custom";

export const connect: Connect = (deps, unproven) => {
  const caller = createCaller(deps, PREFIX, headersOf, (body) => textOf(body["error"]));

  async function submit(path: string, body: Fields, context: CallContext, prompt?: string): Promise<SubmitOutcome> {
    const { account, notifyHook, state } = context;
    // Without `stream: false` the response is a stream. A dropped stream holds its slot for 14 minutes.
    const common = { stream: false, replyUrl: addressWithRef(notifyHook, state), replyRef: state };
    const outcome = await caller.submit(path, { ...body, ...common }, account);
    return readAnswer(outcome, RULES, { prompt, apiKey: account.apiKey });
  }

  async function fetchOne(id: string, account: AccountConfig): Promise<Report | undefined> {
    const path = `/jobs/${encodeURIComponent(id).replaceAll("%3A", ":")}`;
    const readError = (status: number, { error }: Fields) =>
      status === 404 && error !== undefined ? "unknown" : undefined;
    const body = await caller.ask({ path, readError }, account);
    if (body === "unknown") return undefined;
    const report = reportOf(body, account.baseUrl);
    if (!report) throw new LookupError("the response is no job");
    return ownReport(report, id);
  }

  /** The list has only the ids of jobs that run. So it finds a lost submission while it runs, and proves no absence. */
  async function search(states: readonly string[], account: AccountConfig): Promise<SearchResult> {
    const body = await caller.ask({ path: "/jobs" }, account);
    if (!Array.isArray(body)) throw new LookupError("the list of jobs is no list");
    const ids = body.flatMap((item) => jobIdOf(isFields(item) ? item["jobid"] : item) ?? []).slice(0, MAX_RUNNING);
    const { reports, failed, requests } = await fetchEach(ids, (id) => fetchOne(id, account));
    // These jobs exist. Without their reports they would count as not found.
    if (failed.length > 0) throw new LookupError("a job of the list was not answered");
    const found = reports.filter(({ state }) => state !== undefined && states.includes(state));
    return { reports: found, requests: 1 + requests };
  }

  return {
    async submit({ action, prompt = "", dimensions, inputs }, context) {
      if (context.botType === "NIJI_JOURNEY") return UNSUPPORTED;
      const images = inputs.base64Array ?? [];
      switch (action) {
        case "imagine": {
          const text = promptWithLinks(promptWithMode(prompt, context.mode), images);
          return text === undefined ? UNSUPPORTED : submit("/jobs/imagine", { prompt: text }, context, text);
        }
        case "blend": {
          if (!imageListOf(images, "links")) return UNSUPPORTED;
          const links = Object.fromEntries(images.map((image, i) => [`imageUrl_${i + 1}`, image]));
          const shape = dimensions && { blendDimensions: SHAPES[dimensions] };
          return submit("/jobs/blend", { ...links, ...shape }, context);
        }
        case "describe": {
          const [image] = images;
          if (!unproven.has("describe")) return UNSUPPORTED;
          if (image === undefined) return INPUT_MISSING;
          return imageListOf([image], "links") ? submit("/jobs/describe", { imageUrl: image }, context) : UNSUPPORTED;
        }
        default:
          return UNSUPPORTED;
      }
    },

    async press({ customId, prompt }, context) {
      const press = ownPressOf(FAMILY, customId);
      if (!press) return UNSUPPORTED;
      // The vendor takes the prompt in the same call.
      if (press.name === CUSTOM_ZOOM)
        return { kind: "modal", vendorTaskId: localModalId({ ...press, state: context.state }) };
      if (prompt !== undefined) return UNSUPPORTED;
      return submit("/jobs/button", { jobId: press.parent, button: press.word }, context);
    },

    async modal({ vendorTaskId, prompt }, context) {
      const modal = localModalOf(vendorTaskId);
      if (!modal) return UNSUPPORTED;
      if (prompt === undefined) return { kind: "refused", failure: failure("invalid_prompt") };
      return submit("/jobs/button", { jobId: modal.parent, button: modal.word, prompt }, context, prompt);
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

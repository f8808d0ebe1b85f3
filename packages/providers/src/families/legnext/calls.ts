/** The calls of Legnext. See README.md. */
import { type AccountConfig, type CallContext, LookupError, type SubmitOutcome } from "@mjflow/core/port";
import { failureCodeOf, type Report } from "@mjflow/core/report";
import type { Connect } from "../../family.ts";
import { fetchEach } from "../../fetch-each.ts";
import { type Fields, idOf } from "../../json.ts";
import { type AnswerRules, INPUT_MISSING, readAnswer, UNSUPPORTED } from "../shared/answer.ts";
import { createCaller } from "../shared/call.ts";
import { imageListOf, promptWithLinks, promptWithMode } from "../shared/input.ts";
import { ownReport } from "../shared/lookup.ts";
import { ownPressOf } from "../shared/press.ts";
import { errorTextOf, FAMILY, jobIn, pictureId, pictureOf, reportOf, reportOfPicture, verbOf } from "./read.ts";

/** @internal Path in front of the routes. */
export const PREFIX = "/api/v1";
/** @internal */
export const headersOf = ({ apiKey }: AccountConfig): Record<string, string> => ({ "x-api-key": apiKey });

/** @internal */
export const RULES: AnswerRules = {
  /** The answer is the job. It has an object `error` without an error, so only its id counts. */
  accepted(body, status) {
    const vendorTaskId = status < 300 ? idOf(jobIn(body)?.["job_id"]) : undefined;
    return vendorTaskId === undefined ? undefined : { kind: "accepted", vendorTaskId };
  },
  // 403 is about the content, or about an account that may not do this. mjflow sends only verbs that every account has.
  statuses: { 403: (words) => failureCodeOf(words) ?? "vendor_unauthorized", 404: "vendor_refused" },
  textsOf: (body) => [errorTextOf(body)],
};

const RATIOS = { PORTRAIT: "2:3", SQUARE: "1:1", LANDSCAPE: "3:2" } as const;

export const connect: Connect = (deps) => {
  const caller = createCaller(deps, PREFIX, headersOf, errorTextOf);

  async function submit(path: string, body: Fields, context: CallContext, prompt?: string): Promise<SubmitOutcome> {
    const { account, notifyHook } = context;
    const outcome = await caller.submit(path, { ...body, callback: notifyHook }, account);
    return readAnswer(outcome, RULES, { prompt, apiKey: account.apiKey });
  }

  async function fetchOne(id: string, account: AccountConfig): Promise<Report | undefined> {
    const readError = (status: number, body: Fields) =>
      status === 404 && errorTextOf(body) !== undefined ? "unknown" : undefined;
    const body = await caller.ask({ path: `/job/${encodeURIComponent(id)}`, readError }, account);
    if (body === "unknown") return undefined;
    const report = reportOf(body, account.baseUrl);
    if (!report) throw new LookupError("the response is no job");
    return ownReport(report, id);
  }

  /** Looks jobs up, each once. A picture of a grid is looked up by its grid. */
  async function lookUp(ids: readonly string[], account: AccountConfig) {
    const jobs = [...new Set(ids.map((id) => pictureOf(id)?.jobId ?? id))];
    const fetched = await fetchEach(jobs, (id) => fetchOne(id, account));
    const byId = new Map(fetched.reports.map((each) => [each.vendorTaskId, each]));
    const failed = ids.filter((id) => fetched.failed.includes(pictureOf(id)?.jobId ?? id));
    const reports = ids.flatMap((id) => {
      const picture = pictureOf(id);
      const job = byId.get(picture?.jobId ?? id);
      if (!job) return [];
      return picture ? reportOfPicture(job, picture) : { ...job, vendorTaskId: id };
    });
    return { reports, requests: fetched.requests, failed };
  }

  return {
    async submit({ action, prompt = "", dimensions, inputs }, context) {
      if (context.botType === "NIJI_JOURNEY" || context.mode === "relax") return UNSUPPORTED;
      const mode = context.mode === "turbo" ? "turbo" : undefined;
      const images = inputs.base64Array ?? [];
      const links = imageListOf(images, "links");
      switch (action) {
        case "imagine": {
          const text = promptWithLinks(promptWithMode(prompt, mode), images);
          return text === undefined ? UNSUPPORTED : submit("/diffusion", { text }, context, text);
        }
        case "blend": {
          const ratio = dimensions && { aspect_ratio: RATIOS[dimensions] };
          return links ? submit("/blend", { imgUrls: links, ...ratio }, context) : UNSUPPORTED;
        }
        case "describe":
          if (images.length === 0) return INPUT_MISSING;
          return links ? submit("/describe", { imgUrl: links[0] }, context) : UNSUPPORTED;
        case "shorten":
          return submit("/shorten", { prompt }, context, prompt);
        case "retexture": {
          const { image } = inputs;
          if (image === undefined) return INPUT_MISSING;
          if (!imageListOf([image], "links")) return UNSUPPORTED;
          return submit("/retexture", { imgUrl: image, remixPrompt: prompt }, context, prompt);
        }
        default:
          return UNSUPPORTED;
      }
    },

    async press({ customId, prompt }, context) {
      const press = ownPressOf(FAMILY, customId);
      const verb = press && verbOf(press.word);
      if (!press || !verb || prompt !== undefined) return UNSUPPORTED;
      const { path, picture, value } = verb;
      const jobId = press.parent;
      switch (path) {
        // The picture is there already. A look-up of the grid shows it, and nothing is paid.
        case "picture": {
          const vendorTaskId = pictureId(jobId, picture);
          // If it fails, the sweeper looks the picture up a little later.
          const looked = await lookUp([vendorTaskId], context.account).catch(() => undefined);
          const [report] = looked?.reports ?? [];
          return { kind: "accepted", vendorTaskId, existing: true, ...(report && { report }) };
        }
        case "reroll":
          return submit("/reroll", { jobId }, context);
        case "outpaint":
          return submit("/outpaint", { jobId, imageNo: picture, scale: value }, context);
        default:
          return submit(`/${path}`, { jobId, imageNo: picture, type: value }, context);
      }
    },

    modal: async () => UNSUPPORTED,
    lookup: lookUp,
    // There is no list, and a job shows no reference of ours.
    search: async () => ({ reports: [], requests: 0 }),

    async seed(vendorTaskId, account) {
      const { reports } = await lookUp([vendorTaskId], account);
      return reports[0]?.result.seed;
    },

    upload: async () => UNSUPPORTED,
  };
};

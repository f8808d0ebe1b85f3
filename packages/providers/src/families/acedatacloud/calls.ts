/** The calls of AceDataCloud. See README.md. */
import type { FailureCode } from "@mjflow/core/error";
import { LOOKUP_BATCH } from "@mjflow/core/limit";
import { type AccountConfig, type CallContext, LookupError, type SubmitOutcome } from "@mjflow/core/port";
import type { Report } from "@mjflow/core/report";
import type { Connect } from "../../family.ts";
import { type Fields, idOf, isFields, textOf } from "../../json.ts";
import { addressWithRef } from "../shared/address.ts";
import { type AnswerRules, INPUT_MISSING, readAnswer, UNSUPPORTED } from "../shared/answer.ts";
import { createCaller } from "../shared/call.ts";
import { imageListOf, promptWithLinks } from "../shared/input.ts";
import { ownPressOf } from "../shared/press.ts";
import { answerId, FAMILY, isAnswerId, itemOf, stateOf, textReportOf } from "./read.ts";

const OUT_OF_MONEY = /\b(?:used_up|insufficient|balance|not enough (?:credits?|quota)|out of credits?)\b/i;

/** @internal */
export const isOutOfMoney = (words: string): boolean => OUT_OF_MONEY.test(words);

function meaningOf(words: string): FailureCode | undefined {
  if (/\btoken_mismatched\b/.test(words)) return "vendor_unauthorized";
  if (/\bapi_not_implemented\b/.test(words)) return "unsupported";
  return isOutOfMoney(words) ? "vendor_out_of_money" : undefined;
}

const errorOf = (body: Fields): Fields => (isFields(body["error"]) ? body["error"] : {});

/** @internal Path in front of the routes. */
export const PREFIX = "/midjourney";
/** @internal */
export const headersOf = ({ apiKey }: AccountConfig): Record<string, string> => ({ authorization: `Bearer ${apiKey}` });

/** @internal */
export const RULES: AnswerRules = {
  accepted(body, status) {
    if (status >= 300 || body["success"] === false) return undefined;
    const report = textReportOf(body);
    const vendorTaskId = idOf(body["task_id"]) ?? (report && "");
    return vendorTaskId === undefined ? undefined : { kind: "accepted", vendorTaskId, ...(report && { report }) };
  },
  // 403 is about the prompt. No document says how missing money looks.
  statuses: { 403: (words) => (isOutOfMoney(words) ? "vendor_out_of_money" : "banned_prompt") },
  textsOf(body) {
    const { message, code } = errorOf(body);
    return [message, code];
  },
  meaningOf,
};

/** Pages of the list of recent tasks that a search reads, the newest first. */
const PAGES = 3;
const RATIOS = { PORTRAIT: "2:3", SQUARE: "1:1", LANDSCAPE: "3:2" } as const;

export const connect: Connect = (deps, unproven) => {
  const caller = createCaller(deps, PREFIX, headersOf, (body) => textOf(errorOf(body)["message"]));

  async function submit(path: string, body: Fields, context: CallContext, prompt?: string): Promise<SubmitOutcome> {
    const { account, notifyHook, state, mode } = context;
    // With an address the vendor answers at once with the id alone. Without it the answer comes at the end.
    const common = { ...(mode && { mode }), callback_url: addressWithRef(notifyHook, state) };
    const outcome = await caller.submit(path, { ...body, ...common }, account);
    const read = readAnswer(outcome, RULES, { prompt, apiKey: account.apiKey });
    // The documented answer of a describe is its texts, without an id.
    return read.kind === "accepted" && read.vendorTaskId === "" ? { ...read, vendorTaskId: answerId(state) } : read;
  }

  const ask = (body: Fields, account: AccountConfig) =>
    caller.ask(
      {
        path: "/tasks",
        body,
        readError: (status, answer) => (status === 404 && isFields(answer["error"]) ? { items: [] } : undefined),
      },
      account,
    );

  /**
   * Returns the tasks of an answer, and whether it has items that are none. Such an item may be the task that was asked for.
   *
   * @throws LookupError if the answer is neither a task nor a list
   */
  async function items(body: Fields, account: AccountConfig): Promise<{ tasks: Fields[]; isDamaged: boolean }> {
    const answer = await ask(body, account);
    const isTask = (item: unknown): item is Fields => isFields(item) && idOf(item["id"]) !== undefined;
    if (isTask(answer)) return { tasks: [answer], isDamaged: false };
    if (!isFields(answer) || !Array.isArray(answer["items"])) throw new LookupError("the response is no task");
    const tasks = answer["items"].filter(isTask);
    return { tasks, isDamaged: tasks.length < answer["items"].length };
  }

  return {
    async submit({ action, prompt = "", dimensions, inputs }, context) {
      if (context.botType === "NIJI_JOURNEY") return UNSUPPORTED;
      const images = inputs.base64Array ?? [];
      switch (action) {
        case "imagine":
        case "blend": {
          // A blend is a prompt of links.
          const ratio = action === "blend" && dimensions ? `--ar ${RATIOS[dimensions]}` : "";
          const text = promptWithLinks(`${action === "blend" ? "" : prompt} ${ratio}`.trim(), images);
          if (text === undefined) return UNSUPPORTED;
          return submit("/imagine", { action: "generate", prompt: text, split_images: true }, context, text);
        }
        case "edit": {
          const { image, maskBase64 } = inputs;
          if (image === undefined) return INPUT_MISSING;
          if (maskBase64 !== undefined || !imageListOf([image], "links")) return UNSUPPORTED;
          const body = { action: "generate", prompt, image_url: image, split_images: true };
          return submit("/edits", body, context, prompt);
        }
        case "describe": {
          const [image] = images;
          if (image === undefined) return INPUT_MISSING;
          return imageListOf([image], "links") ? submit("/describe", { image_url: image }, context) : UNSUPPORTED;
        }
        case "shorten":
          return unproven.has("shorten") ? submit("/shorten", { prompt }, context, prompt) : UNSUPPORTED;
        default:
          return UNSUPPORTED;
      }
    },

    async press({ customId, prompt }, context) {
      const press = ownPressOf(FAMILY, customId);
      if (!press || prompt !== undefined) return UNSUPPORTED;
      return submit("/imagine", { action: press.word, image_id: press.parent }, context);
    },

    modal: async () => UNSUPPORTED,

    async lookup(ids, account) {
      const reports: Report[] = [];
      let requests = 0;
      const named = ids.filter((id) => !isAnswerId(id));
      for (let i = 0; i < named.length; i += LOOKUP_BATCH) {
        const batch = named.slice(i, i + LOOKUP_BATCH);
        const one = batch.length === 1;
        const { tasks, isDamaged } = await items(
          one ? { action: "retrieve", id: batch[0] } : { action: "retrieve_batch", ids: batch },
          account,
        );
        requests++;
        if (isDamaged) throw new LookupError("the response has a task that cannot be read");
        // A vendor that ignores the ids answers with its recent tasks, which may lack those that were asked for.
        if (tasks.some((item) => !batch.includes(idOf(item["id"])!)))
          throw new LookupError("the response is about another task");
        reports.push(...tasks.flatMap((item) => itemOf(item, account.baseUrl) ?? []));
      }
      return { reports, requests };
    },

    async search(states, account) {
      const missing = new Set(states);
      const reports: Report[] = [];
      let requests = 0;
      let since = Number.POSITIVE_INFINITY;
      let showsAddresses = false;
      let isWhole = true;
      for (let page = 0; page < PAGES && missing.size > 0; page++) {
        requests++;
        const body = { action: "retrieve_batch", offset: page * LOOKUP_BATCH, limit: LOOKUP_BATCH };
        const { tasks, isDamaged } = await items(body, account);
        if (isDamaged) isWhole = false;
        for (const item of tasks) {
          const state = stateOf(item);
          showsAddresses ||= state !== undefined;
          const createdAt = Number(textOf(item["created_at"], 40)) * 1_000;
          if (createdAt > 0) since = Math.min(since, createdAt);
          // The newest of several tasks with one state counts.
          const report = state !== undefined && missing.delete(state) ? itemOf(item, account.baseUrl) : undefined;
          if (report) reports.push(report);
        }
        if (tasks.length < LOOKUP_BATCH && !isDamaged) break;
      }
      // A list proves an absence only if it shows that its tasks have our addresses, and if all its items can be read.
      const proof = showsAddresses && isWhole && Number.isFinite(since) ? { completeSince: since } : {};
      return { reports, requests, ...proof };
    },

    async seed(vendorTaskId, account) {
      const { tasks } = await items({ action: "retrieve", id: vendorTaskId }, account);
      const [item] = tasks;
      const imageId =
        item && idOf(item["image_id"] ?? (isFields(item["response"]) ? item["response"]["image_id"] : undefined));
      if (imageId === undefined) return undefined;
      const body = { image_id: imageId };
      const readError = (status: number) => (status === 400 || status === 404 ? {} : undefined);
      const answer = await caller.ask({ path: "/seed", body, readError }, account);
      return isFields(answer) ? textOf(answer["seed"], 20) : undefined;
    },

    upload: async () => UNSUPPORTED,
  };
};

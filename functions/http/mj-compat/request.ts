/**
 * What midjourney-proxy clients send (docs/protocol.md 1), read into what our engine takes. Tolerant where their servers are:
 * unknown fields are ignored, null and blank mean "not given", ids and numbers come as either. The limits are the native
 * API's own, and so are the words for what breaks them.
 */
import type { BotType, Mode } from "@mjflow/core/flow";
import { FlowRequest, ModalInput } from "@mjflow/core/request";
import type { MjRequestFields } from "@mjflow/engine/mj-compat";
import * as z from "zod/mini";
import { invalid } from "../problem.ts";

const word = z.union([z.string(), z.number(), z.boolean()], { error: "must be text" });
const text = z.pipe(word, z.transform(String));
const texts = z.array(z.string({ error: "must be text" }), { error: "must be a list" });
const AccountFilter = z.object({
  channelId: z.optional(text),
  instanceId: z.optional(text),
  modes: z.optional(
    z.array(
      z.pipe(
        text,
        z.transform((mode) => mode.toUpperCase()),
      ),
    ),
  ),
  remark: z.optional(text),
  remix: z.optional(z.boolean()),
  nijiRemix: z.optional(z.boolean()),
  remixAutoConsidered: z.optional(z.boolean()),
});

const Common = z.object({
  /** The one field where blank is not absent: it comes back as it was sent. */
  state: z.optional(z.nullable(text)),
  notifyHook: z.optional(text),
  botType: z.optional(text),
  mode: z.optional(text),
  accountFilter: z.optional(AccountFilter),
});

export const Root = z.extend(Common, {
  prompt: z.optional(text),
  base64Array: z.optional(texts),
  /** Describe's picture; imagine's, of old. */
  base64: z.optional(text),
  link: z.optional(text),
  dimensions: z.optional(text),
  sourceBase64: z.optional(text),
  targetBase64: z.optional(text),
  sourceUrl: z.optional(text),
  targetUrl: z.optional(text),
});
type Root = z.infer<typeof Root>;

export type RootVerb = "imagine" | "blend" | "describe" | "shorten" | "swap-face";

const BOTS = new Map<string, BotType>([
  ["MID_JOURNEY", "MID_JOURNEY"],
  ["MJ", "MID_JOURNEY"],
  ["NIJI_JOURNEY", "NIJI_JOURNEY"],
  ["NIJI", "NIJI_JOURNEY"],
]);

export interface RootRequest {
  request: FlowRequest;
  own: MjRequestFields;
}

/**
 * @param prefixMode the mode in the address: it wins over the body's (trueai-org's order)
 * @throws MjflowError invalid_request naming the field as the client wrote it
 */
export function readRoot(
  verb: RootVerb,
  body: unknown,
  { provider, prefixMode }: { provider: string; prefixMode: Mode | undefined },
): RootRequest {
  const sent = parse(Root, body);
  const request = {
    action: verb,
    provider,
    ...imagesOf(verb, sent),
    ...(verb === "imagine" || verb === "shorten" ? { prompt: sent.prompt } : {}),
    ...(verb === "blend" ? { dimensions: sent.dimensions?.toUpperCase() } : {}),
    ...modeOf(sent, prefixMode),
    botType: botOf(sent),
    state: sent.state ?? undefined,
    notifyHook: sent.notifyHook,
  };
  const parsed = FlowRequest.safeParse(request);
  if (!parsed.success) throw invalid(parsed.error.issues.map((issue) => named(issue, verb, sent)));
  // The hook is the pointer's: the flow's own would be signed, and speak another language.
  const { notifyHook, ...rest } = parsed.data;
  return { request: rest, own: { state: rest.state, notifyHook } };
}

/** Where the verb has its pictures, and where ours are. */
function imagesOf(verb: RootVerb, { base64Array, base64, link, ...faces }: Root) {
  if (verb === "swap-face") {
    return {
      sourceBase64: faces.sourceBase64 ?? faces.sourceUrl,
      targetBase64: faces.targetBase64 ?? faces.targetUrl,
    };
  }
  if (verb === "shorten") return {};
  const one = base64 ?? link;
  if (verb === "describe") return { base64Array: one === undefined ? [] : [one] };
  return { base64Array: base64Array ?? (verb === "imagine" && base64 !== undefined ? [base64] : undefined) };
}

type Issue = z.core.$ZodIssue;

/** An issue under the name the client knows. */
function named(issue: Issue, verb: RootVerb, sent: Root): Issue {
  const [field, ...rest] = issue.path;
  const under = (name: string, message = issue.message): Issue => ({ ...issue, path: [name], message });
  if (verb === "describe" && field === "base64Array") {
    if (rest.length === 0) return under("base64", "is required, as a data URI, or `link`");
    return under(sent.base64 === undefined ? "link" : "base64");
  }
  if (verb === "imagine" && field === "base64Array" && sent.base64Array === undefined) return under("base64");
  if (field === "sourceBase64" && sent.sourceBase64 === undefined && sent.sourceUrl) return under("sourceUrl");
  if (field === "targetBase64" && sent.targetBase64 === undefined && sent.targetUrl) return under("targetUrl");
  return issue;
}

function botOf({ botType }: Pick<Root, "botType">): string | undefined {
  return botType === undefined ? undefined : (BOTS.get(botType.toUpperCase()) ?? botType);
}

/** Path, then `mode`, then `accountFilter.modes`; the prompt's own flag is the vendor's to read. */
function modeOf({ mode, accountFilter }: Pick<Root, "mode" | "accountFilter">, prefixMode: Mode | undefined) {
  const { modes, ...filter } = accountFilter ?? {};
  const wanted = prefixMode ?? mode?.toLowerCase() ?? (modes?.length === 1 ? modes[0]!.toLowerCase() : undefined);
  const several = wanted === undefined && modes !== undefined && modes.length > 1 ? { modes } : {};
  const rest = Object.fromEntries(Object.entries({ ...filter, ...several }).filter(([, value]) => value !== undefined));
  return { mode: wanted, ...(Object.keys(rest).length > 0 && { accountFilter: rest }) };
}

// ── on a finished task ─────────────────────────────────────────────────────────────────────────────────────────────

const taskId = z.pipe(
  z.union([z.string(), z.number()], { error: "must be a task's id" }),
  z.pipe(z.transform(String), z.string().check(z.minLength(1, { error: "is required" }), z.maxLength(200))),
);

export const Action = z.extend(Common, {
  taskId,
  customId: z.string({ error: "is required" }).check(z.minLength(1, { error: "is required" }), z.maxLength(300)),
  prompt: z.optional(text),
  maskBase64: z.optional(text),
});

export const Change = z.extend(Common, {
  taskId,
  action: z.enum(["UPSCALE", "VARIATION", "REROLL"], { error: "must be UPSCALE, VARIATION or REROLL" }),
  index: z.optional(z.coerce.number()),
});

export const SimpleChange = z.extend(Common, {
  content: z.string({ error: "is required" }),
});

export const Modal = z.object({ taskId, prompt: z.optional(text), maskBase64: z.optional(text) });

export interface PressRequest {
  taskId: string;
  press: { press?: string; customId?: string; modal?: ModalInput };
  own: MjRequestFields;
}

export function readAction(body: unknown): PressRequest {
  const sent = parse(Action, body);
  const { taskId, customId, prompt, maskBase64 } = sent;
  const modal = prompt === undefined && maskBase64 === undefined ? undefined : modalOf({ prompt, maskBase64 });
  return { taskId, press: { customId, ...(modal && { modal }) }, own: ownOf(sent) };
}

export function readChange(body: unknown): PressRequest {
  const sent = parse(Change, body);
  return { taskId: sent.taskId, press: { press: pressOf(sent.action, sent.index) }, own: ownOf(sent) };
}

/** `1765432109876123 U2` */
export function readSimpleChange(body: unknown): PressRequest {
  const sent = parse(SimpleChange, body);
  const match = /^(\S{1,200})\s+(?:([UV])([1-4])|R)$/i.exec(sent.content.trim());
  if (!match) throw wrong("content", "must be a task's id and U1 to U4, V1 to V4 or R");
  const verb = match[2]?.toUpperCase();
  const action = verb === "U" ? "UPSCALE" : verb === "V" ? "VARIATION" : "REROLL";
  return { taskId: match[1]!, press: { press: pressOf(action, Number(match[3])) }, own: ownOf(sent) };
}

function pressOf(action: "UPSCALE" | "VARIATION" | "REROLL", index: number | undefined): string {
  if (action === "REROLL") return "reroll";
  if (index === undefined || ![1, 2, 3, 4].includes(index)) throw wrong("index", "must be 1, 2, 3 or 4");
  return `${action.toLowerCase()}:${index}`;
}

/** The request's own words, within the limits a flow's have. */
function ownOf({ state, notifyHook }: { state?: string | null; notifyHook?: string }): MjRequestFields {
  const parsed = OwnFields.safeParse({ state: state ?? undefined, notifyHook });
  if (!parsed.success) throw invalid(parsed.error.issues);
  return parsed.data;
}
const OwnFields = z.object({ state: FlowRequest.shape.state, notifyHook: FlowRequest.shape.notifyHook });

export function readModal(body: unknown): { taskId: string; modal: ModalInput } {
  const { taskId, ...given } = parse(Modal, body);
  return { taskId, modal: modalOf(given) };
}

function modalOf({ prompt, maskBase64 }: ModalInput): ModalInput {
  // An empty prompt keeps the one the window holds (docs/protocol.md 1.7).
  const given = { ...(prompt?.trim() && { prompt }), ...(maskBase64 !== undefined && { maskBase64 }) };
  const parsed = ModalInput.safeParse(given);
  if (!parsed.success) throw invalid(parsed.error.issues);
  return parsed.data;
}

// ── the rest ───────────────────────────────────────────────────────────────────────────────────────────────────────

export const Upload = z.object({ base64Array: FlowRequest.shape.base64Array });

export function readUpload(body: unknown): string[] {
  const { base64Array = [] } = parse(Upload, body);
  if (base64Array.length === 0) throw wrong("base64Array", "is required");
  return base64Array;
}

/** As many as are looked up in one request; what is beyond is left out, as ids nobody knows are. */
const IDS = 1_000;
export const List = z.object({
  ids: z.optional(z.array(z.union([z.string(), z.number()]), { error: "must be a list of ids" })),
});

export function readIds(body: unknown): string[] {
  return (parse(List, body).ids ?? []).slice(0, IDS).map(String);
}

function parse<T>(schema: z.ZodMiniType<T>, body: unknown): T {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw wrong("body", "must be a JSON object");
  const parsed = schema.safeParse(given(body));
  if (!parsed.success) throw invalid(parsed.error.issues);
  return parsed.data;
}

function wrong(field: string, message: string) {
  return invalid([{ path: [field], message }]);
}

/** Null and blank are "not given"; but a blank `state` comes back as it was sent. */
function given(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const fields = Object.entries(value).filter(([name, field]) => field !== null && (field !== "" || name === "state"));
  return Object.fromEntries(fields.map(([name, field]) => [name, depth === 0 ? given(field, 1) : field]));
}

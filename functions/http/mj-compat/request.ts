/**
 * Parses the requests of midjourney-proxy clients (docs/protocol.md 1) into requests of the engine. The parser is as
 * tolerant as their servers: unknown fields are ignored, null and blank mean "not given", ids and numbers can be text
 * or number. Limits and their error messages are those of the native API.
 */
import type { BotType, Mode, RootAction } from "@mjflow/core/flow";
import { FlowRequest, ModalInput } from "@mjflow/core/request";
import type { MjRequestFields } from "@mjflow/engine/mj-compat";
import * as z from "zod/mini";
import { invalid } from "../problem.ts";
import { validate } from "../validate.ts";

const scalar = z.union([z.string(), z.number(), z.boolean()], { error: "must be text" });
const text = z.pipe(scalar, z.transform(String));
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
  /** A blank `state` is kept and returned as it was sent. In all other fields blank means "not given". */
  state: z.optional(z.nullable(text)),
  notifyHook: z.optional(text),
  botType: z.optional(text),
  mode: z.optional(text),
  accountFilter: z.optional(AccountFilter),
});

export const Root = z.extend(Common, {
  prompt: z.optional(text),
  base64Array: z.optional(texts),
  /** The image of describe. For imagine, the old name of a single input image. */
  base64: z.optional(text),
  link: z.optional(text),
  dimensions: z.optional(text),
  sourceBase64: z.optional(text),
  targetBase64: z.optional(text),
  sourceUrl: z.optional(text),
  targetUrl: z.optional(text),
  /** The image of a video, an edit or a retexture. */
  image: z.optional(text),
  endImage: z.optional(text),
  maskBase64: z.optional(text),
  motion: z.optional(text),
  loop: z.optional(z.boolean({ error: "must be true or false" })),
  batchSize: z.optional(z.coerce.number()),
  videoType: z.optional(text),
});
type Root = z.infer<typeof Root>;

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
 * @param prefixMode mode in the path; it has precedence over the mode in the body, as in trueai-org
 * @throws MjflowError `invalid_request` with the name of the field as the client sent it
 */
export function readRoot(
  action: RootAction,
  body: unknown,
  { provider, prefixMode }: { provider: string; prefixMode: Mode | undefined },
): RootRequest {
  const sent: Root = parse(action === "video" ? Video : Root, body);
  const request = {
    action,
    provider,
    ...imagesOf(action, sent),
    ...(HAS_PROMPT.has(action) ? { prompt: sent.prompt } : {}),
    ...(action === "blend" ? { dimensions: sent.dimensions?.toUpperCase() } : {}),
    ...modeOf(sent, prefixMode),
    botType: botOf(sent),
    state: sent.state ?? undefined,
    notifyHook: sent.notifyHook,
  };
  const flow = validate(FlowRequest, request, (issue) => withSentName(issue, action, sent));
  // The compat task id stores the `notifyHook`, not the flow. Webhooks of the flow would be signed and have the native
  // API's body.
  const { notifyHook, ...rest } = flow;
  return { request: rest, own: { state: rest.state, notifyHook } };
}

const HAS_PROMPT = new Set<RootAction>(["imagine", "shorten", "video", "edit", "retexture"]);

/** Maps the image fields of each action to the fields of `FlowRequest`. */
function imagesOf(action: RootAction, { base64Array, base64, link, ...rest }: Root) {
  if (action === "swap-face") {
    return {
      sourceBase64: rest.sourceBase64 ?? rest.sourceUrl,
      targetBase64: rest.targetBase64 ?? rest.targetUrl,
    };
  }
  if (action === "shorten") return {};
  if (action === "video") {
    const { endImage, motion, loop, batchSize, videoType } = rest;
    const options = { motion: motion?.toLowerCase(), loop, batchSize, videoType };
    return { image: imageOf(rest.image), endImage: imageOf(endImage), ...options };
  }
  if (action === "edit" || action === "retexture") {
    // Some clients send the image of an edit like the images of an imagine.
    return { image: imageOf(rest.image ?? base64Array?.[0]), ...maskOf(action, rest) };
  }
  const image = base64 ?? link;
  if (action === "describe") return { base64Array: image === undefined ? [] : [image] };
  return { base64Array: base64Array ?? (action === "imagine" && base64 !== undefined ? [base64] : undefined) };
}

function maskOf(action: RootAction, { maskBase64 }: Pick<Root, "maskBase64">) {
  return action === "edit" && maskBase64 !== undefined ? { maskBase64: imageOf(maskBase64) } : {};
}

/** First characters of the base64 of each type of image. */
const BASE64_STARTS = [
  ["iVBORw0KGgo", "png"],
  ["/9j/", "jpeg"],
  ["UklGR", "webp"],
  ["R0lGOD", "gif"],
] as const;

/** Some clients send the base64 of an image without `data:`. */
function imageOf(image: string | undefined): string | undefined {
  const type = BASE64_STARTS.find(([start]) => image?.startsWith(start))?.[1];
  return type === undefined ? image : `data:image/${type};base64,${image}`;
}

type Issue = z.core.$ZodIssue;

/** The issue with the field name that the client sent instead of our field name. */
function withSentName(issue: Issue, action: RootAction, sent: Root): Issue {
  const [field, ...rest] = issue.path;
  const under = (name: string, message = issue.message): Issue => ({ ...issue, path: [name], message });
  if (action === "describe" && field === "base64Array") {
    if (rest.length === 0) return under("base64", "is required, as a data URI, or `link`");
    return under(sent.base64 === undefined ? "link" : "base64");
  }
  if (action === "imagine" && field === "base64Array" && sent.base64Array === undefined) return under("base64");
  if (field === "sourceBase64" && sent.sourceBase64 === undefined && sent.sourceUrl) return under("sourceUrl");
  if (field === "targetBase64" && sent.targetBase64 === undefined && sent.targetUrl) return under("targetUrl");
  return issue;
}

function botOf({ botType }: Pick<Root, "botType">): string | undefined {
  return botType === undefined ? undefined : (BOTS.get(botType.toUpperCase()) ?? botType);
}

/**
 * The mode of the path, else `mode`, else a single value in `accountFilter.modes`. Several values there stay in the
 * account filter. A mode flag in the prompt is left to the vendor.
 */
function modeOf({ mode, accountFilter }: Pick<Root, "mode" | "accountFilter">, prefixMode: Mode | undefined) {
  const { modes, ...filter } = accountFilter ?? {};
  const selected = prefixMode ?? mode?.toLowerCase() ?? (modes?.length === 1 ? modes[0]!.toLowerCase() : undefined);
  const severalModes = selected === undefined && modes !== undefined && modes.length > 1 ? { modes } : {};
  const rest = Object.fromEntries(
    Object.entries({ ...filter, ...severalModes }).filter(([, value]) => value !== undefined),
  );
  return { mode: selected, ...(Object.keys(rest).length > 0 && { accountFilter: rest }) };
}

// ── requests on a finished task ────────────────────────────────────────────────────────────────────────────────────

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

/** A video of an image, or with `action` the extension of a finished video. */
export const Video = z.extend(Root, {
  action: z.optional(text),
  taskId: z.optional(taskId),
  /** Name of the field at YuTo. */
  task_id: z.optional(taskId),
  index: z.optional(z.coerce.number()),
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

/** Reads a text such as `1765432109876123 U2`. */
export function readSimpleChange(body: unknown): PressRequest {
  const sent = parse(SimpleChange, body);
  const match = /^(\S{1,200})\s+(?:([UV])([1-4])|R)$/i.exec(sent.content.trim());
  if (!match) throw wrong("content", "must be a task's id and U1 to U4, V1 to V4 or R");
  const letter = match[2]?.toUpperCase();
  const action = letter === "U" ? "UPSCALE" : letter === "V" ? "VARIATION" : "REROLL";
  return { taskId: match[1]!, press: { press: pressOf(action, Number(match[3])) }, own: ownOf(sent) };
}

/** True for a video request with `action`, which extends a finished video. */
export function isExtend(body: unknown): boolean {
  return typeof body === "object" && body !== null && "action" in body && Boolean(body.action);
}

/** Reads a video request with `action: "extend"`. Its `index` starts at 0. */
export function readExtend(body: unknown): PressRequest {
  const sent = parse(Video, body);
  const { index, prompt, action } = sent;
  const motion = sent.motion?.toLowerCase() ?? "low";
  const taskId = sent.taskId ?? sent.task_id;
  if (action?.toLowerCase() !== "extend") throw wrong("action", "must be extend");
  if (taskId === undefined) throw wrong("taskId", "is required");
  if (index === undefined || ![0, 1, 2, 3].includes(index)) throw wrong("index", "must be 0, 1, 2 or 3");
  if (motion !== "low" && motion !== "high") throw wrong("motion", "must be low or high");
  const modal = prompt === undefined ? {} : { modal: modalOf({ prompt }) };
  return { taskId, press: { press: `extend:${motion}:${index + 1}`, ...modal }, own: ownOf(sent) };
}

function pressOf(action: "UPSCALE" | "VARIATION" | "REROLL", index: number | undefined): string {
  if (action === "REROLL") return "reroll";
  if (index === undefined || ![1, 2, 3, 4].includes(index)) throw wrong("index", "must be 1, 2, 3 or 4");
  return `${action.toLowerCase()}:${index}`;
}

/** `state` and `notifyHook` of the request, checked against the limits of a flow. */
function ownOf({ state, notifyHook }: { state?: string | null; notifyHook?: string }): MjRequestFields {
  return validate(OwnFields, { state: state ?? undefined, notifyHook });
}
const OwnFields = z.object({ state: FlowRequest.shape.state, notifyHook: FlowRequest.shape.notifyHook });

export function readModal(body: unknown): { taskId: string; modal: ModalInput } {
  const { taskId, ...answer } = parse(Modal, body);
  return { taskId, modal: modalOf(answer) };
}

function modalOf({ prompt, maskBase64 }: ModalInput): ModalInput {
  // With an empty prompt the vendor keeps the prompt that the modal shows (docs/protocol.md 1.7).
  const answer = { ...(prompt?.trim() && { prompt }), ...(maskBase64 !== undefined && { maskBase64 }) };
  return validate(ModalInput, answer);
}

// ── other requests ─────────────────────────────────────────────────────────────────────────────────────────────────

export const Upload = z.object({ base64Array: FlowRequest.shape.base64Array });

export function readUpload(body: unknown): string[] {
  const { base64Array = [] } = parse(Upload, body);
  if (base64Array.length === 0) throw wrong("base64Array", "is required");
  return base64Array;
}

export const List = z.object({
  ids: z.optional(z.array(z.union([z.string(), z.number()]), { error: "must be a list of ids" })),
});

export function readIds(body: unknown): string[] {
  return (parse(List, body).ids ?? []).map(String);
}

function parse<T>(schema: z.ZodMiniType<T>, body: unknown): T {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw wrong("body", "must be a JSON object");
  return validate(schema, withoutBlanks(body));
}

function wrong(field: string, message: string) {
  return invalid([{ path: [field], message }]);
}

/** Removes fields that are null or blank, since both mean "not given". A blank `state` is kept. */
function withoutBlanks(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const fields = Object.entries(value).filter(([name, field]) => field !== null && (field !== "" || name === "state"));
  return Object.fromEntries(fields.map(([name, field]) => [name, depth === 0 ? withoutBlanks(field, 1) : field]));
}

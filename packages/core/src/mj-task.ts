/**
 * Shows our tasks as servers of the midjourney-proxy family do (docs/protocol.md 3), so that an app of such a server only
 * has to change its base URL. Pure functions: the compat task id, and the task object for responses and notifyHook posts.
 *
 *     task                                               status
 *     PENDING, and a task that is not stored yet         NOT_START
 *     SUBMITTING, UNCLEAR during submission              NOT_START     the task can become PENDING again, and the shown
 *                                                                      status must never go back
 *     SUBMITTED                                          SUBMITTED
 *     MODAL without an answer                            MODAL
 *     any of the above after code 21, without an answer  MODAL         code 21 asked the app for an answer
 *     MODAL with an answer; SUBMITTING, UNCLEAR of it    SUBMITTED
 *     IN_PROGRESS, SUCCESS, FAILURE, CANCEL              the same
 *     EXPIRED                                            FAILURE       the family has no status for it
 */
import { type Button, TILE_ACTION } from "./button.ts";
import { replaceCallbackUrls } from "./callback-url.ts";
import type { BotType } from "./flow.ts";
import type { Media, Result } from "./report.ts";
import type { Task } from "./task.ts";

/** The row of a compat task id: the task that it names, and the fields of the request that created the task. */
export interface MjTaskPointer {
  appId: string;
  /** Compat task id: 16 decimal digits, below 2^53 because clients parse it as a number. */
  id: string;
  /** Revision for the optimistic lock; the store increments it at each write. */
  rev: number;
  flowId: string;
  path: string;
  /** Action of the request; shown until the vendor has reported its own. */
  action: string;
  /** Prompt of the request; unset if it has none. */
  prompt?: string;
  /** Description in the family's form, such as `/up 1765432109876123 U2`; unset for a root, which shows its prompt. */
  description?: string;
  /** Bot of the request; unset: `MID_JOURNEY`. */
  botType?: BotType;
  /** True if the response was code 21: the app has to send a modal answer, even if the modal is not open yet. */
  awaitsModalAnswer?: boolean;
  /** `state` of this request, which can differ from the root's; returned unchanged (T5). */
  state?: string;
  /** URL of the request to which the task object is posted; unset: the deployment's own hook, if there is one. */
  notifyHook?: string;
  createdAt: number;
}

/** The compat task ids of an app. All reads are consistent, because a client may use an id as soon as it has it. */
export interface MjTaskIdStore {
  /** True if new ids are spread over several partition keys (`mjTaskIdOf`). Ids of both kinds can always be read. */
  readonly isSpread: boolean;
  /** Returns false if the id exists already. @throws MjflowError `overloaded` if the table throttles */
  create(pointer: MjTaskPointer): Promise<boolean>;
  /** Deletes an id that no response has contained, or whose flow is deleted. */
  delete(pointer: MjTaskPointer): Promise<void>;
  get(appId: string, id: string): Promise<MjTaskPointer | undefined>;
  /** Missing ids are left out. */
  getMany(appId: string, ids: readonly string[]): Promise<MjTaskPointer[]>;
  /** Returns the newest ids first. */
  latest(appId: string, limit: number): Promise<MjTaskPointer[]>;
}

type MediaUrl = (key: string) => string;

/**
 * Added to the time in an id whose row is in one of several partitions. So the id itself says where its row is, and an id of
 * each kind is unique without a look at the other kind. Times stay below it until 2096, and the sum below 2^53 until 2128.
 */
const SPREAD_FROM_MS = 4e12;
/** Number of partitions for the spread ids of one app. It must not change while rows exist. */
export const MJ_ID_SHARDS = 8;

/**
 * @param chance integer from 0 to 999; the caller gives time and random number, because core is pure
 * @param isSpread true: the row is in the partition of `mjIdShardOf`
 */
export function mjTaskIdOf(timeMs: number, chance: number, isSpread = false): string {
  const time = Math.floor(timeMs) + (isSpread ? SPREAD_FROM_MS : 0);
  return `${String(time).padStart(13, "0")}${String(chance).padStart(3, "0")}`;
}

/** Returns the number of the partition of a spread id, from 0; undefined for an id that is not spread. */
export function mjIdShardOf(id: string): number | undefined {
  return Number(id.slice(0, 13)) < SPREAD_FROM_MS ? undefined : Number(id.slice(13)) % MJ_ID_SHARDS;
}

/** Returns a number by which ids of both kinds sort by time. */
export function mjIdOrder(id: string): number {
  return mjIdShardOf(id) === undefined ? Number(id) : Number(id) - SPREAD_FROM_MS * 1_000;
}

export function isMjTaskId(id: string): boolean {
  return /^\d{16}$/.test(id);
}

export type MjStatus = "NOT_START" | "SUBMITTED" | "MODAL" | "IN_PROGRESS" | "SUCCESS" | "FAILURE" | "CANCEL";

/** @param task undefined: the id was allocated a moment ago and the task is not stored yet */
export function mjStatusOf(
  { awaitsModalAnswer }: Pick<MjTaskPointer, "awaitsModalAnswer">,
  task: Task | undefined,
): MjStatus {
  const isAwaited = awaitsModalAnswer === true && task?.modal === undefined;
  if (!task) return isAwaited ? "MODAL" : "NOT_START";
  switch (task.status) {
    case "PENDING":
      return isAwaited ? "MODAL" : "NOT_START";
    case "SUBMITTING":
    case "UNCLEAR":
      if (task.phase === "modal") return "SUBMITTED";
      return isAwaited ? "MODAL" : "NOT_START";
    case "SUBMITTED":
      return isAwaited ? "MODAL" : "SUBMITTED";
    case "MODAL":
      return task.modal ? "SUBMITTED" : "MODAL";
    case "EXPIRED":
      return "FAILURE";
    default:
      return task.status;
  }
}

/**
 * Returns the task object. Every field of novicezk's and plus's object is present; a field without a value is null.
 *
 * @param mediaUrl returns the link of an archived copy; it replaces the vendor's link, which expires within a day
 */
export function mjTaskView(pointer: MjTaskPointer, task: Task | undefined, mediaUrl?: MediaUrl) {
  const { id, createdAt, botType = "MID_JOURNEY" } = pointer;
  const status = mjStatusOf(pointer, task);
  const result = task?.result;
  const action = task?.action ?? pointer.action;
  const text = clean(textResultOf(action, result) ?? result?.promptEn ?? result?.prompt);
  const prompt = task?.modal?.originalPrompt ?? task?.modal?.prompt ?? pointer.prompt ?? text;
  const failed = status === "FAILURE" || status === "CANCEL";
  const link = linkOf(task, mediaUrl);
  const toLink = (media: Media): Media => ({ ...media, url: link(media.url) });
  return {
    id,
    action,
    customId: task?.customId ?? null,
    botType: action === "SWAP_FACE" ? ("INSIGHT_FACE" as const) : botType,
    prompt,
    promptEn: text ?? prompt,
    description: pointer.description ?? describe(action, pointer.prompt),
    state: pointer.state ?? null,
    submitTime: createdAt,
    startTime: task?.submittedAt ?? null,
    finishTime: task?.endedAt ?? null,
    imageUrl: imageOf(task, mediaUrl),
    imageUrls: result?.images?.map(toLink) ?? null,
    videoUrl: result?.videos?.map(toLink)[0]?.url ?? null,
    videoUrls: result?.videos?.map(toLink) ?? null,
    status,
    progress: progressOf(status, task),
    // new-api takes any text in failReason for a failure, whatever the status is.
    failReason: failed ? reasonOf(task) : null,
    buttons: (result?.buttons ?? []).map(buttonView),
    properties: propertiesOf(action, task),
  };
}

function buttonView({ customId, emoji, label }: Button) {
  return { customId, emoji, label, type: 2, style: 2 };
}

function linkOf(task: Task | undefined, mediaUrl: MediaUrl | undefined): (url: string) => string {
  return (url) => {
    const copy = task?.copies?.find(({ source }) => source === url);
    return copy && mediaUrl ? mediaUrl(copy.key) : url;
  };
}

/** Returns the image link. A tile is cut by mjflow and has no vendor link, so its copy is shown. */
function imageOf(task: Task | undefined, mediaUrl: MediaUrl | undefined): string | null {
  const url = task?.result?.imageUrl;
  if (url !== undefined) return linkOf(task, mediaUrl)(url);
  // Servers of the family have the picture of a running task in the same field.
  if (task?.status === "IN_PROGRESS" && task.previewUrl !== undefined) return task.previewUrl;
  const tile = task?.status === "SUCCESS" && task.action === TILE_ACTION ? task.copies?.[0] : undefined;
  return tile && mediaUrl ? mediaUrl(tile.key) : null;
}

function propertiesOf(action: string, task: Task | undefined) {
  const { finalPrompt } = task?.result ?? {};
  const text = textResultOf(action, task?.result);
  const bannedWord = task?.failure?.vendor?.bannedWord;
  return { finalPrompt: clean(finalPrompt ?? text), ...(bannedWord !== undefined && { bannedWord }) };
}

/**
 * Returns the text result of describe and shorten; undefined for other actions. Servers have it in different fields, and
 * the prompts of a shorten can be the prompt that was sent. Clients read it from `properties.finalPrompt`, `promptEn` or,
 * for describe, `prompt`.
 */
export function textResultOf(action: string, result: Result | undefined): string | undefined {
  if (action !== "DESCRIBE" && action !== "SHORTEN") return undefined;
  return result?.finalPrompt ?? result?.promptEn ?? result?.prompt;
}

/** Only a success has 100 %: at 100 % new-api stops polling and Dooy's page stops waiting. */
function progressOf(status: MjStatus, task: Task | undefined): string {
  return `${status === "SUCCESS" ? 100 : Math.min(task?.progress ?? 0, 99)}%`;
}

/** Returns the reason of a failure. It is never empty, because new-api recognizes a failure by its reason. */
function reasonOf(task: Task | undefined): string {
  const { failure } = task ?? {};
  return clean(failure?.vendor?.description ?? failure?.message) || "failed";
}

function describe(action: string, prompt: string | undefined): string {
  const verb = `/${action.toLowerCase().replaceAll("_", "-")}`;
  return prompt === undefined ? verb : `${verb} ${prompt}`;
}

/** Replaces our callback URLs: a vendor may quote one in its texts, and the token in it must stay secret (D7). */
function clean(text: string | undefined): string | null {
  return text === undefined ? null : replaceCallbackUrls(text, "[callback]");
}

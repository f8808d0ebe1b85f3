/**
 * Our tasks as servers of the midjourney-proxy family show them (docs/protocol.md 3): an app that talks to one of them changes its
 * base URL and nothing else. Pure: the number, and the task object that a fetch answers and a notifyHook is sent.
 *
 *     ours                                              shown
 *     PENDING, and one not stored yet                   NOT_START
 *     SUBMITTING, UNCLEAR while it is submitted         NOT_START     it may be given back, and a status never goes back
 *     SUBMITTED                                         SUBMITTED
 *     MODAL without an answer                           MODAL
 *     any of the above after code 21, without an answer MODAL         the app was told to send one
 *     MODAL with an answer; SUBMITTING, UNCLEAR of it   SUBMITTED
 *     IN_PROGRESS, SUCCESS, FAILURE, CANCEL             the same
 *     EXPIRED                                           FAILURE       the family has no word for it
 */
import { type Button, TILE_ACTION } from "./button.ts";
import type { BotType } from "./flow.ts";
import type { Media } from "./report.ts";
import type { Task } from "./task.ts";

/** What a facade number stands for, and what the request that drew it said of its own task. */
export interface MjTaskPointer {
  appId: string;
  /** 16 decimal digits, below 2^53: real clients hold it in a number. */
  id: string;
  /** Optimistic lock; the store raises it at each write. */
  rev: number;
  flowId: string;
  path: string;
  /** Until the vendor has told its own. */
  action: string;
  prompt?: string;
  /** In the servers' words, `/up 1765432109876123 U2`; unset for a root, whose prompt says it. */
  description?: string;
  botType?: BotType;
  /** Code 21 was answered: the app owes an answer to a window that may not be open yet. */
  awaitsModalAnswer?: boolean;
  /** The request's own, whatever its flow's root said: comes back byte for byte (T5). */
  state?: string;
  /** Where the task object is posted; unset: the stage's own hook, where it has one. */
  notifyHook?: string;
  createdAt: number;
}

/** The numbers of an app. All reads are consistent: a client may ask for a number as soon as it has it. */
export interface MjTaskIdStore {
  /** False when the number is taken. @throws MjflowError overloaded */
  create(pointer: MjTaskPointer): Promise<boolean>;
  /** Takes a number back that nobody was told of. */
  delete(pointer: MjTaskPointer): Promise<void>;
  get(appId: string, id: string): Promise<MjTaskPointer | undefined>;
  /** Absent ones are left out. */
  getMany(appId: string, ids: readonly string[]): Promise<MjTaskPointer[]>;
  /** Newest first. */
  latest(appId: string, limit: number): Promise<MjTaskPointer[]>;
}

type MediaUrl = (key: string) => string;

/** @param chance 0 to 999; time and chance are arguments, because core has neither */
export function mjTaskIdOf(timeMs: number, chance: number): string {
  return `${String(Math.floor(timeMs)).padStart(13, "0")}${String(chance).padStart(3, "0")}`;
}

export function isMjTaskId(id: string): boolean {
  return /^\d{16}$/.test(id);
}

export type MjStatus = "NOT_START" | "SUBMITTED" | "MODAL" | "IN_PROGRESS" | "SUCCESS" | "FAILURE" | "CANCEL";

/** @param task undefined: drawn a moment ago, and not stored yet */
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
 * The task object, every field present as in novicezk's and plus's: null where there is nothing to say.
 *
 * @param mediaUrl where our copy under a key is to be had: its link stands in for the vendor's, which dies in a day
 */
export function mjTaskView(pointer: MjTaskPointer, task: Task | undefined, mediaUrl?: MediaUrl) {
  const { id, createdAt, botType = "MID_JOURNEY" } = pointer;
  const status = mjStatusOf(pointer, task);
  const result = task?.result;
  const action = task?.action ?? pointer.action;
  const text = clean(result?.promptEn ?? result?.prompt);
  const prompt = task?.modal?.prompt ?? pointer.prompt ?? text;
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
    // new-api takes any text here for a failure, whatever the status says.
    failReason: failed ? reasonOf(task) : null,
    buttons: (result?.buttons ?? []).map(buttonView),
    properties: propertiesOf(action, task),
  };
}

export type MjTaskView = ReturnType<typeof mjTaskView>;

function buttonView({ customId, emoji, label }: Button) {
  return { customId, emoji, label, type: 2, style: 2 };
}

function linkOf(task: Task | undefined, mediaUrl: MediaUrl | undefined): (url: string) => string {
  return (url) => {
    const copy = task?.copies?.find(({ source }) => source === url);
    return copy && mediaUrl ? mediaUrl(copy.key) : url;
  };
}

/** A tile that was cut here has no address at the vendor's, only ours. */
function imageOf(task: Task | undefined, mediaUrl: MediaUrl | undefined): string | null {
  const url = task?.result?.imageUrl;
  if (url !== undefined) return linkOf(task, mediaUrl)(url);
  const tile = task?.status === "SUCCESS" && task.action === TILE_ACTION ? task.copies?.[0] : undefined;
  return tile && mediaUrl ? mediaUrl(tile.key) : null;
}

function propertiesOf(action: string, task: Task | undefined) {
  const result = task?.result;
  // Clients look for the text of these two here or in the prompt; servers put it in either.
  const isText = action === "DESCRIBE" || action === "SHORTEN";
  const text = isText ? (result?.promptEn ?? result?.prompt) : undefined;
  const bannedWord = task?.failure?.vendor?.bannedWord;
  return { finalPrompt: clean(result?.finalPrompt ?? text), ...(bannedWord !== undefined && { bannedWord }) };
}

/** Only a success is ever at 100: new-api stops asking there, and Dooy's page stops waiting. */
function progressOf(status: MjStatus, task: Task | undefined): string {
  return `${status === "SUCCESS" ? 100 : Math.min(task?.progress ?? 0, 99)}%`;
}

/** Never empty: new-api knows a failure by its reason. */
function reasonOf(task: Task | undefined): string {
  const { failure } = task ?? {};
  return clean(failure?.vendor?.description ?? failure?.message) || "failed";
}

function describe(action: string, prompt: string | undefined): string {
  const verb = `/${action.toLowerCase().replaceAll("_", "-")}`;
  return prompt === undefined ? verb : `${verb} ${prompt}`;
}

/** A vendor may quote our own callback address in its words: the token in it is nobody's to read (D7). */
function clean(text: string | undefined): string | null {
  return text?.replace(/https?:\/\/[^\s"'<>]*\/callbacks\/[^\s"'<>]*/gi, "[callback]") ?? null;
}

/**
 * The queue messages (Q1): only ids, with a version, usually under 200 bytes. A consumer fails a record with an unknown
 * version. The queue then delivers the record again until newer code that knows the version is deployed, or moves the
 * record to the dead-letter queue.
 */
import { TILE_ACTION } from "./button.ts";
import { type DeliveryKey, deliveryIdOf, parseDeliveryId } from "./delivery.ts";
import { FLOW_SUBJECT } from "./event.ts";
import { isFlowId, parseTaskId, taskIdOf } from "./id.ts";
import { isReplayId } from "./replay.ts";

/**
 * Number of invocations in a row in which one function may be invoked by messages that it sent to its own queue. Lambda
 * counts them too and stops such a chain after about 16, and the message ends as a dead letter (docs/decisions/0028).
 */
export const MAX_HOPS = 6;

/** Highest number of tasks that one message names. Their vendor calls run in one invocation at the same time. */
export const FAN_OUT = 10;

/** Highest number of event subjects that one message names. */
const SUBJECTS_TOGETHER = 10;

/**
 * How the tasks of a fan-out and the notifications of one invocation are sent: `one` message, or `each` in its own. A version
 * that does not know `also` handles only the first task or subject of a message, and the sweeper finds the others minutes later.
 */
export type FanOut = "one" | "each";

interface Chained {
  /** Number of this message in a chain of messages that one function sends to its own queue. Unset: 1. */
  hops?: number;
}

/**
 * A hint that the task may need a vendor call. The worker decides from the row, so a duplicate message does nothing.
 */
export interface SubmitMessage extends Chained {
  v: 1;
  type: "submit";
  flowId: string;
  path: string;
  /** Further tasks of the flow at the same vendor account, at most `FAN_OUT - 1`. Unset: none. */
  also?: string[];
  /** Also dispatch the wait list of this account, whatever the task does. Unset: only this task. */
  wake?: { provider: string; account: string };
  /** The dispatcher of this account's wait list has handed the tasks over. Unset: the tasks ask the account directly. */
  handedOver?: { provider: string; account: string };
}

/**
 * The fallback queue message: the vendor accepted this attempt under this id. It is sent only if the table rejected the
 * write after a paid call. It is the only message with data, because the data exists nowhere else.
 */
export interface AcceptedMessage extends Chained {
  v: 1;
  type: "taken";
  flowId: string;
  path: string;
  attempt: number;
  vendorTaskId: string;
  /** True if the vendor waits for a modal answer. */
  window: boolean;
}

/** A hint that the task or the flow has new events for its subscribers. */
export interface NotifyMessage extends Chained {
  v: 1;
  type: "tell";
  flowId: string;
  /** The event subject: a task path or `FLOW_SUBJECT`. */
  place: string;
  /** Names of the new events. Unset: all events of the subject that have no record in the delivery log. */
  events?: readonly string[];
  /** Further subjects of the flow with new events. Unset: none. */
  also?: readonly NamedEvents[];
}

/** Names of new events of one subject. */
export interface NamedEvents {
  place: string;
  events: readonly string[];
}

/** A hint that a delivery attempt may be due. */
export interface DeliverMessage extends Chained {
  v: 1;
  type: "deliver";
  deliveryId: string;
}

/** A hint that the images of a successful task must be archived, or that a tile must be cut. */
export interface ArchiveMessage extends Chained {
  v: 1;
  type: "archive";
  flowId: string;
  path: string;
}

/** A hint that a step of a replay may be due. */
export interface ReplayMessage extends Chained {
  v: 1;
  type: "replay";
  appId: string;
  replayId: string;
}

export type Message = SubmitMessage | AcceptedMessage | NotifyMessage | DeliverMessage | ArchiveMessage | ReplayMessage;

/** The queue of each message type. Downloads and unreachable webhook receivers must not delay submissions. */
export const QUEUE_OF = {
  submit: "submit",
  taken: "submit",
  tell: "deliver",
  deliver: "deliver",
  archive: "archive",
  replay: "deliver",
} as const satisfies Record<Message["type"], string>;
export type QueueName = (typeof QUEUE_OF)[Message["type"]];

/** A message with what its queue must know. */
export interface OutgoingMessage {
  message: Message;
  /** Delay, ms; at most 15 minutes (SQS). The due index serves longer waits. Unset: none. */
  delayMs?: number | undefined;
  /**
   * Message group: whose work this is. The group with the fewest messages in flight gets the next message. So a slow or
   * large group does not delay the others. Unset: the message is a group of its own.
   */
  group?: string | undefined;
}

/**
 * Returns the group of submissions: the vendor account. An account that hangs delays its own submissions only. The text
 * has at most 128 characters, the limit of SQS.
 */
export function accountGroup({ provider, account }: { provider: string; account: string }): string {
  return groupOf(`${provider}/${account}`);
}

/** Returns the group of deliveries and archive copies: the app. A row of an earlier version has no app: then the flow. */
export function appGroup({ appId, flowId }: { appId?: string | undefined; flowId: string }): string {
  return groupOf(appId ?? flowId);
}

/** SQS allows letters, digits and ASCII punctuation. */
function groupOf(text: string): string {
  return text.replace(/[^!-~]/g, "_").slice(0, 128);
}

/** Returns the queue of a waiting task's work. */
export function workQueueOf({ action }: { action: string }): QueueName {
  return action === TILE_ACTION ? "archive" : "submit";
}

type TaskOfApp = { flowId: string; path: string; appId?: string | undefined };
type WaitingTask = TaskOfApp & { action: string; provider: string; account: string };

/** Returns the work of a waiting task: its submission, or the cut of a tile, which no vendor makes. */
export function outgoingWork(task: WaitingTask, delayMs?: number): OutgoingMessage {
  if (workQueueOf(task) === "archive") return outgoingArchive(task, delayMs);
  return { message: submitMessage(task.flowId, task.path), delayMs, group: accountGroup(task) };
}

/**
 * Returns the work of several waiting tasks in as few messages as possible: the submissions of a flow at one vendor account
 * travel together.
 */
export function outgoingFanOut(tasks: readonly WaitingTask[], fanOut: FanOut = "one"): OutgoingMessage[] {
  const isTogether = (task: WaitingTask) => fanOut === "one" && workQueueOf(task) === "submit";
  const together = Map.groupBy(tasks.filter(isTogether), (task) => `${task.flowId} ${accountGroup(task)}`);
  const alone = tasks.filter((task) => !isTogether(task)).map((task) => outgoingWork(task));
  return [...[...together.values()].flatMap(messagesOfSiblings), ...alone];
}

function messagesOfSiblings(tasks: readonly WaitingTask[]): OutgoingMessage[] {
  const count = Math.ceil(tasks.length / FAN_OUT);
  return Array.from({ length: count }, (_, i) => {
    const [first, ...rest] = tasks.slice(i * FAN_OUT, (i + 1) * FAN_OUT) as [WaitingTask, ...WaitingTask[]];
    const message = submitMessage(first.flowId, first.path);
    const also = rest.map(({ path }) => path);
    return { message: also.length > 0 ? { ...message, also } : message, group: accountGroup(first) };
  });
}

export function outgoingArchive(task: TaskOfApp, delayMs?: number): OutgoingMessage {
  return { message: archiveMessage(task.flowId, task.path), delayMs, group: appGroup(task) };
}

/**
 * @param subject a task path or `FLOW_SUBJECT`
 * @param events names of the new events; unset: all events of the subject without a record
 */
export function outgoingNotification(
  of: { flowId: string; appId?: string | undefined },
  subject: string,
  events?: readonly string[],
): OutgoingMessage {
  return { message: notifyMessage(of.flowId, subject, events), group: appGroup(of) };
}

/** Returns the notifications in as few messages as possible: those of a flow travel together if they name their events. */
export function togetherByFlow(notifications: readonly OutgoingMessage[]): OutgoingMessage[] {
  const named = notifications.flatMap((outgoing) => {
    const { message } = outgoing;
    if (message.type !== "tell" || message.events === undefined) return [];
    const { flowId, place, events, also = [] } = message;
    return [{ flowId, group: outgoing.group, subjects: [{ place, events }, ...also] }];
  });
  const byFlow = Map.groupBy(named, ({ flowId }) => flowId);
  return [...byFlow].flatMap(([flowId, ofFlow]) => {
    const { group } = ofFlow[0]!;
    const bySubject = Map.groupBy(
      ofFlow.flatMap(({ subjects }) => subjects),
      ({ place }) => place,
    );
    const subjects = [...bySubject].map(([place, same]) => ({
      place,
      events: unique(same.flatMap(({ events }) => events)),
    }));
    return chunksOf(subjects, SUBJECTS_TOGETHER).map(([first, ...also]) => {
      const message = notifyMessage(flowId, first!.place, first!.events);
      return { message: also.length > 0 ? { ...message, also } : message, group };
    });
  });
}

/** True if the message can travel with others of its flow (`togetherByFlow`). */
export function isNamedNotification({ message }: OutgoingMessage): boolean {
  return message.type === "tell" && message.events !== undefined;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

export function outgoingDelivery(delivery: DeliveryKey & { appId: string }, delayMs?: number): OutgoingMessage {
  return { message: deliverMessage(deliveryIdOf(delivery)), delayMs, group: appGroup(delivery) };
}

/** The steps of a replay have a group of their own, so the app's new events do not wait behind one. */
export function outgoingReplay({ appId, id }: { appId: string; id: string }, delayMs?: number): OutgoingMessage {
  return { message: replayMessage(appId, id), delayMs, group: groupOf(`replay/${appId}`) };
}

/** Returns the paths of all tasks that the message names. */
export function pathsOf({ path, also = [] }: Pick<SubmitMessage, "path" | "also">): string[] {
  return [path, ...also];
}

/** Returns the message that makes a worker dispatch the wait list of an account. The task is any that waits there. */
export function outgoingWake(
  { provider, account }: { provider: string; account: string },
  { flowId, path }: { flowId: string; path: string },
  delayMs?: number,
): OutgoingMessage {
  const wake = { provider, account };
  return { message: { ...submitMessage(flowId, path), wake }, delayMs, group: accountGroup(wake) };
}

/**
 * Returns the messages that hand waiting tasks over from the dispatcher to other workers. A version that does not know
 * `handedOver` leaves the tasks in the list.
 */
export function outgoingHandOver(
  { provider, account }: { provider: string; account: string },
  entries: readonly { flowId: string; path: string }[],
  fanOut?: FanOut,
): OutgoingMessage[] {
  const handedOver = { provider, account };
  const tasks = entries.map(({ flowId, path }) => ({ flowId, path, action: "", ...handedOver }));
  return outgoingFanOut(tasks, fanOut).map((outgoing) => ({
    ...outgoing,
    message: { ...(outgoing.message as SubmitMessage), handedOver },
  }));
}

export function submitMessage(flowId: string, path: string): SubmitMessage {
  return { v: 1, type: "submit", flowId, path };
}

export function notifyMessage(flowId: string, subject: string, events?: readonly string[]): NotifyMessage {
  return { v: 1, type: "tell", flowId, place: subject, ...(events && { events }) };
}

export function deliverMessage(deliveryId: string): DeliverMessage {
  return { v: 1, type: "deliver", deliveryId };
}

export function replayMessage(appId: string, replayId: string): ReplayMessage {
  return { v: 1, type: "replay", appId, replayId };
}

export function archiveMessage(flowId: string, path: string): ArchiveMessage {
  return { v: 1, type: "archive", flowId, path };
}

export class MessageError extends Error {
  override readonly name = "MessageError";
}

/** @throws MessageError if this code cannot parse the text. The error does not quote the text. */
export function parseMessage(text: string): Message {
  const body = objectOf(text);
  const message = messageOf(body);
  const { hops } = body;
  return Number.isInteger(hops) && (hops as number) > 1 ? { ...message, hops: hops as number } : message;
}

function objectOf(text: string): Record<string, unknown> {
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new MessageError("not JSON");
  }
  if (typeof body !== "object" || body === null) throw new MessageError("not an object");
  return body;
}

function messageOf(body: Record<string, unknown>): Message {
  if (body["v"] !== 1) throw new MessageError(`unknown version ${JSON.stringify(body["v"])?.slice(0, 20)}`);
  const { type, flowId, path, place, deliveryId, attempt, vendorTaskId, window } = body;
  if (type === "replay") return replayOf(body);
  if (type === "deliver") {
    if (typeof deliveryId !== "string" || !parseDeliveryId(deliveryId))
      throw new MessageError("has no valid delivery id");
    return deliverMessage(deliveryId);
  }
  if (type === "tell") {
    if (typeof flowId !== "string" || typeof place !== "string" || !isSubject(flowId, place)) {
      throw new MessageError("has no valid flow id or event subject");
    }
    const { events } = body;
    if (events !== undefined && !isEventNames(events)) throw new MessageError("has no valid event names");
    return { ...notifyMessage(flowId, place, events), ...subjectsIn(flowId, body["also"]) };
  }
  if (typeof flowId !== "string" || typeof path !== "string" || !isTaskRef(flowId, path)) {
    throw new MessageError("has no valid flow id or task path");
  }
  if (type === "submit") {
    const handedOver = accountIn(body["handedOver"]);
    return {
      ...submitMessage(flowId, path),
      ...siblingsIn(flowId, body["also"]),
      ...wakeOf(body["wake"]),
      ...(handedOver && { handedOver }),
    };
  }
  if (type === "archive") return archiveMessage(flowId, path);
  if (type !== "taken") throw new MessageError("unknown type");
  if (!Number.isInteger(attempt) || typeof vendorTaskId !== "string" || typeof window !== "boolean") {
    throw new MessageError("has no valid attempt, vendor task id or modal flag");
  }
  return { v: 1, type, flowId, path, attempt: attempt as number, vendorTaskId, window };
}

/** @throws MessageError if the message has no valid ids */
function replayOf({ appId, replayId }: Record<string, unknown>): ReplayMessage {
  if (typeof appId !== "string" || typeof replayId !== "string" || !isReplayId(replayId)) {
    throw new MessageError("has no valid app id or replay id");
  }
  return replayMessage(appId, replayId);
}

/** @throws MessageError for a list with another content. The message is then kept for a version that knows it. */
function siblingsIn(flowId: string, also: unknown): { also?: string[] } {
  if (also === undefined) return {};
  const isKnown =
    Array.isArray(also) &&
    also.length < FAN_OUT &&
    also.every((path) => typeof path === "string" && isTaskRef(flowId, path));
  if (!isKnown) throw new MessageError("has no valid paths of further tasks");
  return also.length > 0 ? { also: also as string[] } : {};
}

/** @throws MessageError for a list with another content. The message is then kept for a version that knows it. */
function subjectsIn(flowId: string, also: unknown): Pick<NotifyMessage, "also"> {
  if (also === undefined) return {};
  const isKnown =
    Array.isArray(also) && also.length < SUBJECTS_TOGETHER && also.every((one) => isNamedEvents(flowId, one));
  if (!isKnown) throw new MessageError("has no valid further subjects");
  const subjects = (also as NamedEvents[]).map(({ place, events }) => ({ place, events }));
  return subjects.length > 0 ? { also: subjects } : {};
}

function isNamedEvents(flowId: string, one: unknown): one is NamedEvents {
  const { place, events } = (one ?? {}) as Record<string, unknown>;
  return typeof place === "string" && isSubject(flowId, place) && isEventNames(events);
}

/** A wake-up that this code cannot read is left out: the due time of the list stands for it. */
function wakeOf(wake: unknown): Pick<SubmitMessage, "wake"> {
  const account = accountIn(wake);
  return account ? { wake: account } : {};
}

function accountIn(value: unknown): { provider: string; account: string } | undefined {
  const { provider, account } = (value ?? {}) as Record<string, unknown>;
  return typeof provider === "string" && typeof account === "string" ? { provider, account } : undefined;
}

function isSubject(flowId: string, subject: string): boolean {
  return subject === FLOW_SUBJECT ? isFlowId(flowId) : isTaskRef(flowId, subject);
}

/** A worker skips names that the subject does not have, so only size and type are checked. */
function isEventNames(events: unknown): events is string[] {
  return Array.isArray(events) && events.length <= 10 && events.every((name) => typeof name === "string");
}

function isTaskRef(flowId: string, path: string): boolean {
  return isFlowId(flowId) && parseTaskId(taskIdOf(flowId, path)) !== undefined;
}

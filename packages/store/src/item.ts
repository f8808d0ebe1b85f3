/**
 * A row and the flow, task or health it holds: pure, both ways. No item type leaves this package.
 *
 * A task's row is written four times in its life, and DynamoDB bills by the kilobyte: so names are short, zeros and
 * absent fields are not stored, and longer JSON is deflated with a dictionary of what results share. The result stands in the same row instead of one of its own: that would be a second request for each task.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Flow } from "@mjflow/core/flow";
import type { AccountHealth } from "@mjflow/core/health";
import type { DeadLetter } from "@mjflow/core/letter";
import type { Task } from "@mjflow/core/task";
import { DICTIONARIES, DICTIONARY } from "./dictionary.ts";
import {
  ATTRIBUTE,
  dueShard,
  expiresAt,
  flowKey,
  healthKey,
  type Key,
  letterKey,
  listedAt,
  refOf,
  shardOf,
  taskKey,
} from "./keys.ts";

export type Item = Record<string, AttributeValue>;

/** Raised when a row is stored in a way that older code would misread; additions it may ignore do not count. */
const VERSION = 1;
const VERSION_ATTRIBUTE = "v";
/** Names one write, so that a repeated request recognises its own (dynamo.ts). */
export const NONCE_ATTRIBUTE = "w";
export const REV_ATTRIBUTE = "rev";

/**
 * How a field is stored: text, number, number that is not stored while 0, boolean, or JSON (as text while short, else
 * deflated).
 */
type Kind = "text" | "number" | "count" | "flag" | "json";
type Fields<T extends string> = Record<T, readonly [attribute: string, kind: Kind]>;

/** `flowId` and `path` are in the key. */
const TASK = {
  rev: [REV_ATTRIBUTE, "number"],
  status: ["st", "text"],
  action: ["ac", "text"],
  provider: ["pr", "text"],
  account: ["acc", "text"],
  pace: ["pa", "text"],
  press: ["bt", "text"],
  customId: ["cid", "text"],
  inputsRef: ["in", "text"],
  modal: ["mo", "json"],
  then: ["th", "json"],
  resubmit: ["rs", "text"],
  attempt: ["at", "count"],
  phase: ["ph", "text"],
  modals: ["ms", "count"],
  leaseUntil: ["le", "number"],
  busy: ["bu", "count"],
  vendorTaskId: ["id", "text"],
  vendorTaskIdFrom: ["idf", "text"],
  vendorSiblings: ["ids", "json"],
  progress: ["pg", "count"],
  createdAt: ["cr", "number"],
  submittedAt: ["su", "number"],
  endedAt: ["en", "number"],
  endedBy: ["eb", "number"],
  updatedAt: ["up", "number"],
  due: [ATTRIBUTE.dueAt, "number"],
  callbacks: ["cb", "count"],
  duplicates: ["du", "count"],
  lookups: ["lo", "count"],
  missing: ["mi", "count"],
  failure: ["fa", "json"],
  result: ["re", "json"],
  late: ["la", "json"],
  oddity: ["od", "text"],
  orphans: ["or", "json"],
} as const satisfies Fields<Exclude<keyof Task, "flowId" | "path">>;

/** `id` is in the key. `state` and `prompt` are text, never JSON: they come back byte for byte (T5). */
const FLOW = {
  appId: [ATTRIBUTE.appId, "text"],
  rev: [REV_ATTRIBUTE, "number"],
  status: ["st", "text"],
  action: ["ac", "text"],
  provider: ["pr", "text"],
  account: ["acc", "text"],
  prompt: ["prompt", "text"],
  dimensions: ["di", "text"],
  mode: ["mo", "text"],
  botType: ["bo", "text"],
  accountFilter: ["af", "json"],
  state: ["state", "text"],
  notifyHook: ["hook", "text"],
  progress: ["pg", "flag"],
  createdAt: ["cr", "number"],
  endedAt: ["en", "number"],
  due: [ATTRIBUTE.dueAt, "number"],
} as const satisfies Fields<Exclude<keyof Flow, "id">>;

const HEALTH = {
  provider: ["pr", "text"],
  account: ["acc", "text"],
  rev: [REV_ATTRIBUTE, "number"],
  callbacks: ["cb", "text"],
  heardAt: ["he", "number"],
  misses: ["mi", "count"],
  changedAt: ["ch", "number"],
  failures: ["fl", "count"],
  askAt: ["as", "number"],
} as const satisfies Fields<keyof AccountHealth>;

/** `id` is in the key. */
const LETTER = {
  rev: [REV_ATTRIBUTE, "number"],
  state: ["st", "text"],
  body: ["body", "text"],
  why: ["why", "text"],
  receives: ["rc", "count"],
  createdAt: ["cr", "number"],
} as const satisfies Fields<Exclude<keyof DeadLetter, "id">>;

export class ItemError extends Error {
  override readonly name = "ItemError";
}

export function taskItem(task: Task): Item {
  const item = row(taskKey(task.flowId, task.path), TASK, task);
  return { ...item, ...times(task.flowId, task) };
}

export function flowItem(flow: Flow): Item {
  const item = row(flowKey(flow.id), FLOW, flow);
  return { ...item, ...times(flow.id, flow), [ATTRIBUTE.listedAt]: { S: listedAt(flow.createdAt, flow.id) } };
}

/** Has no end: an account is known for as long as it is used. */
export function healthItem(health: AccountHealth): Item {
  return row(healthKey(health.provider, health.account), HEALTH, health);
}

export function letterItem(letter: DeadLetter): Item {
  const item = row(letterKey(letter.id), LETTER, letter);
  return { ...item, [ATTRIBUTE.expiresAt]: { N: String(expiresAt(letter.createdAt)) } };
}

/** @throws ItemError for a row of newer code. */
export function letterOf(item: Item): DeadLetter {
  return { id: keyOf(item).sk, ...fieldsOf(item, LETTER) } as DeadLetter;
}

/** @throws ItemError for a row of newer code, or one that is no task's. */
export function taskOf(item: Item): Task {
  const ref = refOf(keyOf(item));
  if (ref?.kind !== "task") throw new ItemError(`"${keyOf(item).sk}" is not a task's row`);
  return { flowId: ref.flowId, path: ref.path, ...fieldsOf(item, TASK) } as Task;
}

/** @throws ItemError for a row of newer code, or one that is no flow's. */
export function flowOf(item: Item): Flow {
  const ref = refOf(keyOf(item));
  if (ref?.kind !== "flow") throw new ItemError(`"${keyOf(item).sk}" is not a flow's row`);
  return { id: ref.flowId, ...fieldsOf(item, FLOW) } as Flow;
}

/** @throws ItemError for a row of newer code. */
export function healthOf(item: Item): AccountHealth {
  return fieldsOf(item, HEALTH) as unknown as AccountHealth;
}

export function keyOf(item: Item): Key {
  return { pk: item[ATTRIBUTE.pk]?.S ?? "", sk: item[ATTRIBUTE.sk]?.S ?? "" };
}

/** TTL deletes days late; until then the row is there, and shown to nobody. */
export function isExpired(item: Item, now: number): boolean {
  const at = item[ATTRIBUTE.expiresAt]?.N;
  return at !== undefined && Number(at) * 1_000 <= now;
}

/** As DynamoDB counts it for billing: names and values in UTF-8, about a byte for two digits of a number. */
export function itemBytes(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.replace(/\D/g, "").length / 2) + 1;
  return value.B === undefined ? 1 : value.B.length;
}

// ── fields ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the due index and the TTL read. A row without a due time is not in the index: that is what keeps it small. */
function times(flowId: string, { due, createdAt }: { due?: number; createdAt: number }): Item {
  return {
    [ATTRIBUTE.expiresAt]: { N: String(expiresAt(createdAt)) },
    ...(due !== undefined && { [ATTRIBUTE.dueShard]: { S: dueShard(shardOf(flowId)) } }),
  };
}

function row<F extends string>({ pk, sk }: Key, fields: Fields<F>, value: { [name in NoInfer<F>]?: unknown }): Item {
  const item: Item = {
    [ATTRIBUTE.pk]: { S: pk },
    [ATTRIBUTE.sk]: { S: sk },
    [VERSION_ATTRIBUTE]: { N: String(VERSION) },
  };
  for (const [name, [attribute, kind]] of entriesOf(fields)) {
    const stored = encode(kind, value[name]);
    if (stored) item[attribute] = stored;
  }
  return item;
}

function fieldsOf<F extends string>(item: Item, fields: Fields<F>): Record<string, unknown> {
  const version = Number(item[VERSION_ATTRIBUTE]?.N);
  if (!(version <= VERSION)) {
    const { pk, sk } = keyOf(item);
    throw new ItemError(`${pk} ${sk} has schema version ${version}; this code knows versions up to ${VERSION}`);
  }
  const value: Record<string, unknown> = {};
  for (const [name, [attribute, kind]] of entriesOf(fields)) {
    const field = decode(kind, item[attribute]);
    if (field !== undefined) value[name] = field;
  }
  return value;
}

function entriesOf<F extends string>(fields: Fields<F>) {
  return Object.entries(fields) as [F, readonly [string, Kind]][];
}

function encode(kind: Kind, value: unknown): AttributeValue | undefined {
  if (value === undefined || (kind === "count" && value === 0)) return undefined;
  if (kind === "text") return { S: value as string };
  if (kind === "flag") return { BOOL: value as boolean };
  return kind === "json" ? encodeJson(value) : { N: String(value) };
}

function decode(kind: Kind, value: AttributeValue | undefined): unknown {
  if (value === undefined) return kind === "count" ? 0 : undefined;
  if (kind === "text") return value.S;
  if (kind === "flag") return value.BOOL;
  return kind === "json" ? decodeJson(value) : Number(value.N);
}

/** Below this, deflating saves nothing worth its time. */
const DEFLATE_FROM_BYTES = 160;
/** A row is 400 KB at most; nothing we stored inflates to more than this. */
const INFLATED_BYTES = 32 * 1024 * 1024;

function encodeJson(value: unknown): AttributeValue {
  const json = JSON.stringify(value);
  if (json.length < DEFLATE_FROM_BYTES) return { S: json };
  const deflated = deflateRawSync(json, { level: 9, dictionary: DICTIONARIES[DICTIONARY] });
  return { B: Buffer.concat([Uint8Array.of(DICTIONARY), deflated]) };
}

function decodeJson(value: AttributeValue): unknown {
  const json = value.B ? inflate(value.B) : value.S;
  return json === undefined ? undefined : JSON.parse(json);
}

function inflate(bytes: Uint8Array): string {
  const dictionary = DICTIONARIES[bytes[0] ?? 0];
  if (!dictionary)
    throw new ItemError(`a value was deflated with dictionary ${bytes[0]}, which this code does not have`);
  return inflateRawSync(bytes.subarray(1), { dictionary, maxOutputLength: INFLATED_BYTES }).toString();
}

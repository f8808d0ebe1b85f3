/** One full row of every kind, for tests of its stored form and of the requests about it. */
import type { AccessToken } from "@mjflow/core/access-token";
import type { EarlierSlots, StoredAccount } from "@mjflow/core/account";
import type { AccountHealth } from "@mjflow/core/account-health";
import type { App, AppKey } from "@mjflow/core/app";
import type { Grant } from "@mjflow/core/credit";
import type { CreditRow } from "@mjflow/core/credit-row";
import type { DeadLetter } from "@mjflow/core/dead-letter";
import type { Delivery } from "@mjflow/core/delivery";
import type { Endpoint } from "@mjflow/core/endpoint";
import type { Flow } from "@mjflow/core/flow";
import type { IdempotencyRecord } from "@mjflow/core/idempotency";
import type { Folder, Mark } from "@mjflow/core/mark";
import type { MjTaskPointer } from "@mjflow/core/mj-task";
import type { Replay } from "@mjflow/core/replay";
import type { Task } from "@mjflow/core/task";
import type { Template } from "@mjflow/core/template";
import type { WaitList } from "@mjflow/core/wait-list";
import { createMemoryTable, type MemoryTable } from "../../../test/support/memory/table.ts";
import { createStore } from "./dynamo.ts";
import { createMarkStore } from "./mark.ts";
import { createMjTaskIdStore } from "./mj-task-id.ts";
import type { Table } from "./table.ts";
import { createVendorStore } from "./vendor.ts";
import { createWebhookStore } from "./webhook.ts";

export const at = 1_763_700_000_123;
export const appId = "app_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
export const flowId = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
export const listener = "ep_01K9ZC7T3R8M2V5X0Q4B6N1JHD";

export const task: Required<Task> = {
  ...{ flowId, path: "0-1", rev: 0, status: "SUCCESS", action: "UPSCALE", provider: "trueai-org", account: "default" },
  ...{
    pace: "fast",
    appId,
    press: "upscale:2",
    customId: "MJ::JOB::upsample::2",
    inputsRef: "ref",
    linkField: "imageUrl",
  },
  optionalFields: ["loop"],
  modal: { prompt: "a cat", originalPrompt: "eine Katze" },
  ...{ taskCount: 5, then: [{ press: "upscale:1" }], eventMask: 3, archive: true, mjTaskId: "1763700000123456" },
  ...{
    resubmit: "never",
    attempt: 2,
    previousLocations: [{ attempt: 1, provider: "mj", account: "a", untaken: true }],
  },
  ...{
    phase: "modal",
    modals: 1,
    leaseUntil: at + 1,
    busyAnswers: 2,
    busyAbout: "parent",
    waits: "account_busy" as never,
  },
  ...{ slot: { row: 1, at }, vendorTaskId: "v1", vendorOrigin: "https://mj.example", vendorTaskIdFrom: "answer" },
  ...{ vendorSiblings: ["v2"], progress: 40, previewUrl: "https://cdn.example/p.png", createdAt: at },
  submittingAt: at + 12,
  ...{ submittedAt: at + 2, firstSubmittedAt: at + 3, endedAt: at + 4, endedBy: 1, updatedAt: at + 5, due: at + 6 },
  ...{
    flowDue: at + 7,
    callbacks: 3,
    duplicates: 1,
    lookups: 4,
    lookupMisses: 5,
    unprovenSince: at + 8,
    unclearSince: at + 9,
  },
  ...{ fullProgressAt: at + 9, pendingEffects: ["tell"] },
  failure: { code: "vendor_error" as never, message: "no" },
  result: { imageUrl: "https://cdn.example/i.png" },
  copies: [{ key: "k", bytes: 1, sha256: "s", contentType: "image/png", source: "https://cdn.example/i.png" }],
  copyFailures: [{ source: "https://cdn.example/j.png", code: "too_large" as never }],
  ...{ archivedAt: at + 10, late: { status: "SUCCESS", at }, resultUpdatedAt: at + 11, retried: true },
  ...{ unknownStatus: "ODD", orphans: [{ attempt: 1, at }] },
};

export const flow: Required<Flow> = {
  ...{ id: flowId, appId, rev: 0, status: "running", action: "imagine", provider: "trueai-org", account: "default" },
  ...{ anyProvider: true, onVendorLoss: "restart", prompt: ' "p" ', originalPrompt: "o", dimensions: "SQUARE" },
  reducedImages: [{ field: "image" } as never],
  video: { motion: "low" } as never,
  ...{ mode: "fast", botType: "MID_JOURNEY", accountFilter: { remix: false } as never, state: " s\n" },
  ...{ notifyHook: "https://app.example/hook", events: ["flow.completed" as never], eventMask: 1, logRows: 2 },
  ...{ archive: false, progress: false, createdAt: at, endedAt: at + 1, canceledAt: at + 2, deletedAt: at + 3 },
  ...{
    endCount: 2,
    hasCreditHold: true,
    reopened: true,
    template: "t",
    rerunOf: "r",
    restartOf: "s",
    restartedAs: "u",
  },
  credit: { held: 1, runs: 1, before: 0, settlements: 0, mark: "m", awaits: { x: { mark: "1", at } } },
  ...{ pendingEffects: ["tell"], due: at + 4 },
};

export const health: Required<AccountHealth> = {
  ...{ provider: "trueai-org", account: "default", rev: 0, callbacks: "works" as never, heardAt: at, misses: 1 },
  ...{
    changedAt: at + 1,
    failures: 2,
    askAt: at + 2,
    lookupFault: "denied" as never,
    faults: 3,
    fault: "denied" as never,
  },
  ...{
    faultAt: at + 3,
    opens: 4,
    openUntil: at + 4,
    probeId: "p",
    probing: true,
    busyUntil: at + 5,
    fullUntil: at + 6,
  },
  durations: { at, counts: { imagine: "1" } },
};

export const deadLetter: Required<DeadLetter> = {
  ...{ id: "d1", rev: 1, state: "kept", body: "{}", group: "g", why: "not JSON", receives: 5, createdAt: at },
};

export const app: Required<App> = {
  ...{ id: appId, rev: 0, name: "Shop", limits: { runningFlows: 3 }, archive: "images" as never, translate: true },
  ...{ createdAt: at, disabledAt: at + 1, deletedAt: at + 2 },
};

export const key: Required<AppKey> = {
  ...{
    appId,
    id: "k1",
    rev: 0,
    sha256: "ab",
    createdAt: at,
    usedOn: "2025-11-21",
    expiresAt: at + 1,
    revokedAt: at + 2,
  },
};

export const template: Required<Template> = {
  ...{
    appId,
    name: "four",
    rev: 0,
    description: "d",
    then: [{ press: "upscale:1" } as never],
    createdAt: at,
    updatedAt: at,
  },
};

export const folder: Required<Folder> = {
  ...{ appId, id: "folder_01K9ZC7T3R8M2V5X0Q4B6N1JHD", rev: 0, name: "Posters 🛶", createdAt: at, updatedAt: at + 1 },
};

export const mark: Required<Mark> = {
  ...{ appId, flowId, path: "0-1", number: 3, list: folder.id, rev: 0, flowCreatedAt: at, endedAt: at + 4 },
};

export const token: Required<AccessToken> = {
  ...{ kind: "share", owner: flowId, id: "7QK2M9XA", rev: 0, sha256: "ab", createdAt: at, expiresAt: at + 1 },
  ...{ keyId: "k1", label: "customer", usedOn: "2025-11-21", hidesPrompt: true, showsVendorLinks: true },
};

export const idempotency: Required<IdempotencyRecord> = {
  ...{
    appId,
    key: "a#b",
    rev: 0,
    fingerprint: "f",
    target: flowId,
    state: "running",
    leaseUntil: at + 1,
    createdAt: at,
  },
};

export const endpoint: Required<Endpoint> = {
  ...{ appId, id: listener, rev: 0, url: "https://app.example/e", scheme: "v1a", events: ["flow.completed" as never] },
  ...{ description: "d", secrets: [{ sealed: "s", until: at }], publicKey: "pk", disabledAt: at, disabledWhy: "gone" },
  ...{ failingSince: at, faults: 0, opens: 1, openUntil: at + 1, trial: true, createdAt: at, parkedFrom: at + 2 },
  ...{ recoverFrom: at + 3, recovery: "rp_1", due: at + 4 },
};

export const delivery: Required<Delivery> = {
  ...{ flowId, subject: "flow", name: "completed", listener, appId, rev: 0, type: "flow.completed" as never },
  ...{
    happenedAt: at,
    status: "pending",
    tries: 2,
    attempts: [
      { at, status: 500 },
      { at, status: 422, body: "b" },
    ],
    leaseUntil: at + 1,
  },
  ...{ failure: "gone", createdAt: at, endedAt: at + 2, due: at + 3, replayId: "rp_1" },
};

export const replay: Required<Replay> = {
  ...{ appId, id: "rp_1", rev: 0, listener, only: "failed" as never, since: at, until: at + 1, status: "sending" },
  ...{ failure: "endpoint_deleted", found: 4, sent: 3, failed: 2, skipped: 1, cursor: "c", position: 5 },
  ...{ leaseUntil: at + 2, waitsUntil: at + 3, due: at + 4, createdAt: at, endedAt: at + 5 },
};

export const account: Required<StoredAccount> = {
  ...{
    provider: "trueai-org",
    name: "two",
    rev: 0,
    baseUrl: "https://mj.example",
    sealed: "s",
    weight: 2,
    maxRunning: 3,
  },
  ...{ createdAt: at, updatedAt: at + 1 },
};

export const waitList: Required<WaitList> = {
  ...{ provider: "trueai-org", account: "default", rev: 0, since: at, due: at + 1, dispatchUntil: at + 2, turn: appId },
  ...{ parallel: 2, parallelAt: at + 3 },
};

export const slots: Required<EarlierSlots> = {
  ...{ provider: "trueai-org", account: "default", rev: 0, held: [{ flowId, path: "0", at }] },
};

export const pointer: Required<MjTaskPointer> = {
  ...{
    appId,
    id: "1763700000123456",
    rev: 1,
    flowId,
    path: "0-1",
    action: "UPSCALE",
    prompt: " p",
    description: "/up",
  },
  ...{
    botType: "MID_JOURNEY",
    awaitsModalAnswer: true,
    state: "s",
    notifyHook: "https://app.example/hook",
    createdAt: at,
  },
};

export const credit: Required<CreditRow> = {
  ...{
    appId,
    rev: 0,
    frozen: true,
    added: 1,
    reserved: 2,
    settled: 3,
    refunded: 4,
    holds: {},
    fullAt: at,
    applying: ["a"],
  },
  ...{ days: { "2025-11-21": { flows: 1, settled: 2 } }, createdAt: at },
} as Required<CreditRow>;

export const grant: Required<Grant> = {
  ...{ appId, reference: "bill#1", rev: 0, micro: 5, state: "done", counters: 2, createdAt: at },
};

/** @param dueShards number of shards, which is part of the due entries */
export async function storeAll(dueShards: number, watch = (table: MemoryTable): Table => table) {
  const memory = createMemoryTable();
  const table = watch(memory);
  const now = () => at;
  const store = createStore({ table, now, dueShards });
  const webhooks = createWebhookStore({ table, now, dueShards });
  const vendors = createVendorStore(table);
  const mj = createMjTaskIdStore(table, { now, dueShards });
  const marks = createMarkStore(table, { now });
  await store.createTask(task);
  await store.createTask({ ...task, path: "0-2", due: undefined, progress: 0, result: undefined } as never);
  await store.createFlow(flow, { ...task, path: "0" });
  await store.createFlow({ ...flow, id: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHE", deletedAt: undefined } as never, task);
  await store.saveHealth(health);
  await store.saveNewDeadLetter(deadLetter);
  await store.saveApp(app);
  await store.saveApp({ ...app, id: "app_01K9ZC7T3R8M2V5X0Q4B6N1JHE", deletedAt: undefined } as never);
  await store.saveAppKey(key);
  await store.saveAppKey({ ...key, id: "k2", revokedAt: undefined, expiresAt: undefined } as never);
  await store.saveTemplate(template);
  await marks.saveFolder(folder);
  await marks.addMark(mark);
  await store.saveAccessToken(token);
  await store.saveAccessToken({ ...token, kind: "session", owner: appId });
  await store.saveIdempotency(idempotency);
  await store.saveWaitList(waitList);
  await store.saveWaitList({ ...waitList, account: "two", due: undefined } as never);
  await store.addWaiting("trueai-org", "default", { appId, createdAt: at, flowId, path: "0" });
  await store.saveCreditRow(credit);
  await store.saveCreditRow({ ...credit, appId: "app_01K9ZC7T3R8M2V5X0Q4B6N1JHE", frozen: undefined } as never);
  await store.saveGrant(grant);
  await webhooks.saveEndpoint(endpoint);
  await webhooks.saveEndpoint({ ...endpoint, id: "notifyHook", due: undefined } as never);
  await webhooks.saveDelivery(delivery);
  await webhooks.saveDelivery({ ...delivery, name: "failed", due: undefined } as never);
  await webhooks.saveReplay(replay);
  await vendors.saveStoredAccount(account);
  await vendors.saveBannedList({ rev: 0, words: ["x"], updatedAt: at });
  await vendors.saveSlots(slots);
  await mj.create(pointer);
  return { items: memory.dump(), memory, table, store, webhooks, vendors, mj, marks };
}

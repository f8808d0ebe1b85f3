/**
 * The rows of flows, tasks, account health and dead-letter messages. No item type leaves this package.
 *
 * A task's row is usually written four times. The result is stored in the same row, because a row of its own would need a
 * second request for each task.
 */

import type { AccountHealth } from "@mjflow/core/account-health";
import type { DeadLetter } from "@mjflow/core/dead-letter";
import type { Flow } from "@mjflow/core/flow";
import type { Due } from "@mjflow/core/port";
import { hasOwnDueEntry, type Task } from "@mjflow/core/task";
import { type Item, ItemError, keyOf } from "./codec.ts";
import { dueEntry, entity, expiring } from "./entity.ts";
import { ATTRIBUTE, deadLetterKey, flowKey, healthKey, listedAt, RETENTION_MS, refOf, taskKey } from "./keys.ts";

export const TASK = entity<Task, "flowId" | "path">()({
  key: ({ flowId, path }) => taskKey(flowId, path),
  idOf(key) {
    const ref = refOf(key);
    if (ref?.kind !== "task") throw new ItemError(`"${key.sk}" is not a task's row`);
    return { flowId: ref.flowId, path: ref.path };
  },
  attributes: (task, dueShards) => ({
    ...expiring(task.createdAt + RETENTION_MS),
    ...dueEntry(hasOwnDueEntry(task), { kind: "task", task }, dueShards),
  }),
  fields: {
    status: ["st", "text"],
    action: ["ac", "text"],
    provider: ["pr", "text"],
    account: ["acc", "text"],
    pace: ["pa", "text"],
    appId: ["app", "text"],
    press: ["bt", "text"],
    customId: ["cid", "text"],
    inputsRef: ["in", "text"],
    linkField: ["lf", "text"],
    optionalFields: ["of", "json"],
    modal: ["mo", "json"],
    then: ["th", "json"],
    resubmit: ["rs", "text"],
    taskCount: ["tc", "number"],
    mjTaskId: ["mj", "text"],
    eventMask: ["hr", "number"],
    archive: ["ar", "flag"],
    pendingEffects: ["ow", "json"],
    copies: ["co", "json"],
    copyFailures: ["cf", "json"],
    archivedAt: ["aa", "number"],
    attempt: ["at", "count"],
    phase: ["ph", "text"],
    modals: ["ms", "count"],
    leaseUntil: ["le", "number"],
    busyAnswers: ["bu", "count"],
    busyAbout: ["ba", "text"],
    waits: ["wt", "text"],
    slot: ["sl", "json"],
    vendorOrigin: ["vo", "text"],
    vendorTaskId: ["id", "text"],
    vendorTaskIdFrom: ["idf", "text"],
    vendorSiblings: ["ids", "json"],
    progress: ["pg", "count"],
    previewUrl: ["pv", "text"],
    createdAt: ["cr", "number"],
    submittingAt: ["sg", "number"],
    submittedAt: ["su", "number"],
    firstSubmittedAt: ["sf", "number"],
    endedAt: ["en", "number"],
    endedBy: ["eb", "number"],
    updatedAt: ["up", "number"],
    due: [ATTRIBUTE.dueAt, "number"],
    flowDue: ["fd", "number"],
    callbacks: ["cb", "count"],
    duplicates: ["du", "count"],
    lookups: ["lo", "count"],
    lookupMisses: ["mi", "count"],
    unprovenSince: ["us", "number"],
    unclearSince: ["uc", "number"],
    fullProgressAt: ["fp", "number"],
    failure: ["fa", "json"],
    result: ["re", "json"],
    late: ["la", "json"],
    resultUpdatedAt: ["ru", "number"],
    retried: ["rd", "flag"],
    unknownStatus: ["od", "text"],
    orphans: ["or", "json"],
    previousLocations: ["pl", "json"],
  },
});

/** `state` and the prompts are text and never JSON, because they must come back byte for byte (T5). */
export const FLOW = entity<Flow, "id">()({
  key: ({ id }) => flowKey(id),
  idOf(key) {
    const ref = refOf(key);
    if (ref?.kind !== "flow") throw new ItemError(`"${key.sk}" is not a flow's row`);
    return { id: ref.flowId };
  },
  attributes: (flow, dueShards) => ({
    ...expiring(flow.createdAt + RETENTION_MS),
    ...dueEntry(hasOwnDueEntry(flow), { kind: "flow", flow }, dueShards),
    // The partition is the app id, which is a field. Without this attribute a deleted flow is in no listing.
    ...(flow.deletedAt === undefined && { [ATTRIBUTE.listedAt]: { S: listedAt(flow.createdAt, flow.id) } }),
  }),
  fields: {
    appId: [ATTRIBUTE.appId, "text"],
    status: ["st", "text"],
    action: ["ac", "text"],
    provider: ["pr", "text"],
    account: ["acc", "text"],
    anyProvider: ["ro", "flag"],
    onVendorLoss: ["vl", "text"],
    template: ["tp", "text"],
    rerunOf: ["rr", "text"],
    restartOf: ["rf", "text"],
    restartedAs: ["ra", "text"],
    prompt: ["prompt", "text"],
    originalPrompt: ["op", "text"],
    reducedImages: ["ri", "json"],
    dimensions: ["di", "text"],
    video: ["vi", "json"],
    mode: ["mo", "text"],
    botType: ["bo", "text"],
    accountFilter: ["af", "json"],
    state: ["state", "text"],
    notifyHook: ["hook", "text"],
    events: ["ev", "json"],
    eventMask: ["hr", "number"],
    logRows: ["lg", "number"],
    archive: ["ar", "flag"],
    pendingEffects: ["ow", "json"],
    progress: ["pg", "flag"],
    createdAt: ["cr", "number"],
    endedAt: ["en", "number"],
    canceledAt: ["ca", "number"],
    deletedAt: ["dl", "number"],
    endCount: ["es", "number"],
    hasCreditHold: ["he", "flag"],
    credit: ["ch", "json"],
    reopened: ["rp", "flag"],
    due: [ATTRIBUTE.dueAt, "number"],
  },
});

/** The row has no expiry, because the health of an account is needed as long as the account is used. */
export const HEALTH = entity<AccountHealth, "provider" | "account", "provider" | "account">()({
  key: ({ provider, account }) => healthKey(provider, account),
  idOf: () => ({}),
  fields: {
    provider: ["pr", "text"],
    account: ["acc", "text"],
    callbacks: ["cb", "text"],
    heardAt: ["he", "number"],
    misses: ["mi", "count"],
    changedAt: ["ch", "number"],
    failures: ["fl", "count"],
    askAt: ["as", "number"],
    faults: ["fc", "count"],
    fault: ["fa", "text"],
    faultAt: ["ft", "number"],
    opens: ["op", "count"],
    openUntil: ["ou", "number"],
    probing: ["pb", "flag"],
    busyUntil: ["bu", "number"],
    fullUntil: ["fu", "number"],
    lookupFault: ["lf", "text"],
    probeId: ["pi", "text"],
    durations: ["td", "json"],
  },
});

export const DEAD_LETTER = entity<DeadLetter, "id">()({
  key: ({ id }) => deadLetterKey(id),
  idOf: ({ sk }) => ({ id: sk }),
  attributes: ({ createdAt }) => expiring(createdAt + RETENTION_MS),
  fields: {
    state: ["st", "text"],
    body: ["body", "text"],
    group: ["gr", "text"],
    why: ["why", "text"],
    receives: ["rc", "count"],
    createdAt: ["cr", "number"],
  },
});

/** Returns the reference and due time of an entry in the due index; undefined if its key is none of ours. */
export function dueOf(item: Item): Due | undefined {
  const ref = refOf(keyOf(item));
  return ref && { ...ref, dueAt: Number(item[ATTRIBUTE.dueAt]?.N) };
}

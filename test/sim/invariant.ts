/** Rules that must hold at the end of a run, whatever faults occurred. Each broken rule is one finding with its seed. */
import { TILE_ACTION } from "@mjflow/core/button";
import { counterIdOf } from "@mjflow/core/credit";
import { deliveryIdOf, RETRY_SCHEDULE_MS } from "@mjflow/core/delivery";
import { unrecordedEvents } from "@mjflow/core/delivery-log";
import { flowEvents, taskEvents } from "@mjflow/core/derived-events";
import { archivesLater, eventIdOf, FLOW_SUBJECT } from "@mjflow/core/event";
import { needsSettlement } from "@mjflow/core/flow-credit";
import { isPlannedChild, parentPath } from "@mjflow/core/id";
import { costMicroUsd } from "@mjflow/core/price";
import { hasAdoptableResult, hasMedia } from "@mjflow/core/state";
import { isEnded, type Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import type { TaskView } from "@mjflow/engine/view";
import { ENDPOINT_URL, SUBSCRIBED_APP } from "./app.ts";
import type { FaultProfile } from "./fault-profile.ts";
import type { SimulationRun } from "./simulation.ts";
import { imageUrlOf, type VendorTask } from "./vendor.ts";

export interface InvariantReport {
  findings: string[];
  counts: Counters;
}

export interface Counters {
  flows: number;
  tasks: number;
  /** Images paid again although we knew, or could have known, that the first submission was accepted. Must be 0. */
  duplicates: number;
  /** Submissions sent again after the grace period, because nothing of the first was received ("after-grace"). */
  resubmitted: number;
  /** Those of them after a callback with progress, which mjflow does not store (D2). */
  resubmittedAfterProgress: number;
  /** All of them by what the vendor offers: a search by the mark, or a list of its newest tasks. And the flows there. */
  resubmittedByMark: number;
  resubmittedByList: number;
  flowsByMark: number;
  flowsByList: number;
  unfinished: number;
  stateMismatches: number;
  unauthenticated: number;
  forgedRefused: number;
  /** Presses by clients of the compat API, and their requests with all repetitions. */
  mjPresses: number;
  mjRequests: number;
  paid: number;
  /** Late successes that became the end of their task, and images that the vendor finished and mjflow did not take. */
  adopted: number;
  unseen: number;
  lookups: number;
  callbacks: number;
  /** Events that subscribers received at least once, and events that failed in all attempts. */
  notified: number;
  givenUp: number;
  /** Credit of apps with limits, micro-USD: reserved = settled + refunded. */
  reservedMicro: number;
  settledMicro: number;
  refundedMicro: number;
  killed: number;
  points: number;
  /** Follow-ups whose first write was their claim. */
  storedByClaim: number;
}

export function checkInvariants(run: SimulationRun): InvariantReport {
  const findings = [
    ...run.broken,
    ...run.vendor.wrongPresses.map((what) => `wrong press: ${what}`),
    ...run.vendor.misread.map((what) => `R ${what}`),
    ...givenUpOf(run),
    ...keptSuccessesOf(run),
  ];
  const again = findDuplicates(run.vendor.accepted);
  const unfinished = unfinishedOf(run);
  const mismatched = run.accepted.filter(({ flowId, state }) => run.flows.get(flowId)?.flow.state !== state);
  findings.push(...again.duplicates, ...unfinished);
  if (run.variant.wire?.isIdempotent && again.resubmitted > 0)
    findings.push(`I ${again.resubmitted} submissions were paid again at a vendor with idempotency keys`);
  findings.push(...mismatched.map(({ flowId }) => `C ${flowId} has a different state`));
  findings.push(...[...run.flows.values()].flatMap(lineageOf), ...foreignResultsOf(run));
  findings.push(...[...run.flows.values()].flatMap(missingCopiesOf));
  if (run.forgedAccepted > 0) findings.push(`F ${run.forgedAccepted} callbacks without a valid token were accepted`);
  findings.push(...openHoldsOf(run), ...submissionsAfterCancel(run), ...repeatedPressesOf(run));
  const notifications = missingNotificationsOf(run);
  findings.push(...notifications.findings, ...incompleteLogsOf(run), ...openReplaysOf(run));
  if (run.waiting > 0) findings.push(`${run.waiting} entries are left in wait lists`);
  if (!run.isQuiet) findings.push("T4 something is still due at the end of the run");
  if (run.rootsWithoutFlow > 0) findings.push(`${run.rootsWithoutFlow} tasks belong to no flow`);
  const tasks = [...run.flows.values()].flatMap((flow) => flow.tasks);
  const byMark = run.variant.searched === true;
  const byList = typeof run.variant.searched === "object";
  const unseen = unseenOf(run);
  if (losesNothing(run)) findings.push(...unseen.map((what) => `G ${what} is paid and was given up`));
  return {
    findings: findings.map((finding) => `seed ${run.seed}: ${finding}`),
    counts: {
      flows: run.flows.size,
      tasks: tasks.length,
      duplicates: again.duplicates.length,
      resubmitted: again.resubmitted,
      resubmittedAfterProgress: again.afterProgress,
      resubmittedByMark: byMark ? again.resubmitted : 0,
      resubmittedByList: byList ? again.resubmitted : 0,
      flowsByMark: byMark ? run.flows.size : 0,
      flowsByList: byList ? run.flows.size : 0,
      unfinished: unfinished.length,
      stateMismatches: mismatched.length,
      unauthenticated: run.forgedAccepted,
      forgedRefused: run.forgedRefused,
      mjPresses: run.mjPresses.length,
      mjRequests: run.mjPresses.reduce((sum, press) => sum + press.requests, 0),
      paid: run.vendor.accepted.length,
      adopted: tasks.filter(({ status, late }) => status === "SUCCESS" && late && late.status !== "SUCCESS").length,
      unseen: unseen.length,
      lookups: run.vendor.counts.lookups,
      callbacks: run.vendor.counts.callbacks,
      notified: notifications.notified,
      givenUp: notifications.givenUp,
      reservedMicro: run.credits.reduce((sum, credit) => sum + credit.reserved, 0),
      settledMicro: run.credits.reduce((sum, { counter }) => sum + counter.settled, 0),
      refundedMicro: run.credits.reduce((sum, { counter }) => sum + counter.refunded, 0),
      killed: run.killed,
      points: run.points,
      storedByClaim: run.storedByClaim,
    },
  };
}

/**
 * A: a press is accepted once. It may be accepted again only as another attempt after a lost response, if nothing of the
 * first attempt was received before the second was sent.
 */
function findDuplicates(accepted: readonly VendorTask[]) {
  const duplicates: string[] = [];
  let resubmitted = 0;
  let afterProgress = 0;
  for (const [press, submissions] of Map.groupBy(accepted, (task) => `${task.flowPart} ${task.path}`)) {
    const byTime = submissions.toSorted((a, b) => a.at - b.at);
    byTime.slice(1).forEach((later, i) => {
      const earlier = byTime.slice(0, i + 1);
      const known = earlier.find(
        (one) => one.attempt === later.attempt || (one.confirmedAt !== undefined && one.confirmedAt < later.at),
      );
      if (known)
        duplicates.push(
          `A ${press} was paid again: attempt ${later.attempt}, after attempt ${known.attempt} was known`,
        );
      else resubmitted++;
      if (!known && earlier.some(({ heardAt = Number.POSITIVE_INFINITY }) => heardAt < later.at)) afterProgress++;
    });
  }
  return { duplicates, resubmitted, afterProgress };
}

type FlowState = SimulationRun["flows"] extends Map<string, infer F> ? F : never;

/** Returns the submissions of each task, by `flow_… path`. A picture that came with its grid has those of the grid. */
function submissionsOf({ vendor: { accepted }, flows, variant }: SimulationRun): Map<string, VendorTask[]> {
  const own = Map.groupBy(accepted, ({ flowPart, path }) => `flow_${flowPart} ${path}`);
  for (const { tasks } of flows.values()) {
    for (const { flowId, path, vendorTaskId } of tasks) {
      const isPicture = vendorTaskId !== undefined && jobIdOf(variant, vendorTaskId) !== vendorTaskId;
      if (isPicture) own.set(`${flowId} ${path}`, own.get(`${flowId} ${parentPath(path)}`) ?? []);
    }
  }
  return own;
}

function jobIdOf({ wire }: SimulationRun["variant"], vendorTaskId: string): string {
  return wire?.jobIdOf?.(vendorTaskId) ?? vendorTaskId;
}

/** Faults that lose nothing: whatever they do, each image that the vendor finishes reaches its task. */
const LOSSLESS: ReadonlySet<keyof FaultProfile> = new Set([
  ...(["loseCallback", "copyCallback", "delayCallback", "progressAfterEnd", "forge", "silent"] as const),
  ...(["slowAnswer", "junk", "unstarted", "notYet", "modal", "emptySuccess", "lateButtons"] as const),
  ...(["lookupFails", "lookupNoList", "lookupRefused", "copyMessage", "loseMessage"] as const),
  ...(["hookFails", "hookLies", "slowPress", "imageFails", "busySpell", "loseWake", "listLost"] as const),
]);

/** A removed account, wrong clocks and a vendor that answers no look-up at all lose images, too. */
function losesNothing({ profile, variant }: SimulationRun): boolean {
  if (variant.isConfigured || variant.clockOf || profile.lookupFails === 1) return false;
  return (Object.keys(profile) as (keyof FaultProfile)[]).every((fault) => profile[fault] === 0 || LOSSLESS.has(fault));
}

/** Tasks that ended without success although the vendor has finished one of their submissions. */
function unseenOf(run: SimulationRun): string[] {
  const submissions = submissionsOf(run);
  return [...run.flows.values()].flatMap(({ flow, tasks }) =>
    tasks.flatMap(({ flowId, path, status, failure }) => {
      const own = submissions.get(`${flowId} ${path}`) ?? [];
      const isSeen = status === "SUCCESS" || flow.canceledAt !== undefined || failure?.code === "canceled";
      return isSeen || !own.some((one) => one.status === "SUCCESS") ? [] : [`${flowId} ${path} (${failure?.code})`];
    }),
  );
}

/**
 * V: a task is given up only for a reason that the vendor gave. It is lost only if lists left it out as often as the limit
 * says. It is stalled only if its row is frozen. Its parent is not ready only if the vendor said so to the end. All tasks of
 * this vendor have all buttons.
 */
function givenUpOf(run: SimulationRun): string[] {
  const submissions = submissionsOf(run);
  return [...run.flows.values()].flatMap(({ tasks }) =>
    tasks.flatMap(({ flowId, path, press, failure, createdAt, endedAt = 0 }) => {
      const own = submissions.get(`${flowId} ${path}`) ?? [];
      const parentEndedAt = tasks.find((other) => other.path === parentPath(path))?.endedAt ?? 0;
      // A tile waits for an image that its vendor tells later.
      const hasWaited = endedAt >= Math.max(createdAt, parentEndedAt) + TIMINGS.parentMs;
      const notYetAt = run.vendor.notYet.get(`${flowId.slice("flow_".length)} ${path}`) ?? 0;
      // The time of the vendor's refusal is a true time, and those of the row are those of workers whose clocks may be wrong.
      const { creation, end } = run.writtenAt;
      const patienceEndsAt = creation.get(`${flowId} ${path}`)! + TIMINGS.parentMs;
      const endWrittenAt = end.get(`${flowId} ${path}`) ?? Number.POSITIVE_INFINITY;
      const reasons: Record<string, boolean> = {
        vendor_lost: own.some(({ omitted }) => omitted >= TIMINGS.missingLimit),
        vendor_stalled: own.some(({ frozen }) => frozen),
        parent_not_ready: notYetAt >= Math.min(patienceEndsAt, endWrittenAt) - ON_ITS_WAY_MS,
        press_not_offered: press?.startsWith("tile") === true && hasWaited,
      };
      const { code = "" } = failure ?? {};
      return reasons[code] === false ? [`V ${flowId} ${path} ended as ${code} without a reason`] : [];
    }),
  );
}

/** After this time a late success is not adopted any more, if the flow ended together with its task. */
const ADOPTED_WITHIN_MS = TIMINGS.pendingMs.fast - 300_000;
/** With clocks of their own, workers disagree about the time since the end by up to twice ten minutes. */
const CLOCKS_DIFFER_MS = 1_200_000;

/** L: a late success is adopted, and a success gets the image that its vendor sent later. */
function keptSuccessesOf(run: SimulationRun): string[] {
  const submissions = submissionsOf(run);
  return [...run.flows.values()].flatMap(({ flow, tasks }: FlowState) =>
    tasks.flatMap((task) => {
      const { flowId, path, status, late, endedAt = 0, endedBy, result = {}, failure } = task;
      const withinMs = ADOPTED_WITHIN_MS - (run.variant.clockOf ? CLOCKS_DIFFER_MS : 0);
      const isInTime = late !== undefined && late.at - endedAt < withinMs;
      const mayGoOn = flow.canceledAt === undefined && failure?.code !== "canceled" && !flow.hasCreditHold;
      // A process of an earlier version may have stored the late success, and it adopted none.
      const isExpected = mayGoOn && flow.restartedAs === undefined && !run.variant.earlierCode;
      const isKept = hasAdoptableResult(task) && isInTime && isExpected;
      const own = submissions.get(`${flowId} ${path}`)?.find(({ attempt }) => attempt === endedBy);
      const lacksImage = status === "SUCCESS" && own?.pictureConfirmed === true && !hasMedia(result);
      return [
        ...(isKept ? [`L ${flowId} ${path} has a late success that is not adopted`] : []),
        ...(lacksImage ? [`L ${flowId} ${path} is a success without the image that its vendor sent later`] : []),
      ];
    }),
  );
}

/**
 * D: each subscriber receives each end, and the copies that are sent later, at least once under one id, or has failed in all
 * ten attempts. Earlier code does not know the event of the copies.
 */
function missingNotificationsOf({ flows, posts, variant }: SimulationRun): {
  findings: string[];
  notified: number;
  givenUp: number;
} {
  const byId = Map.groupBy(posts, ({ url, id }) => `${url} ${id}`);
  const expected = [...flows.values()].flatMap(({ flow, tasks }) => {
    const urls = [
      ...(flow.appId === SUBSCRIBED_APP ? [ENDPOINT_URL] : []),
      ...(flow.notifyHook ? [flow.notifyHook] : []),
    ];
    const ends = tasks.flatMap((task) => {
      const names = taskEvents(task).map(({ name }) => name);
      const last =
        task.archivedAt === undefined ? names.slice(-1) : names.slice(-2, variant.earlierCode ? -1 : undefined);
      return (last.length > 0 ? last : [""]).map((name) => eventIdOf(flow.id, task.path, name));
    });
    const all = [...ends, eventIdOf(flow.id, FLOW_SUBJECT, flowEvents(flow)[0]?.name ?? "")];
    return urls.flatMap((url) => all.map((id) => `${url} ${id}`));
  });
  const isAccepted = (key: string) => byId.get(key)?.some((post) => post.accepted) ?? false;
  const missing = expected.filter((key) => !isAccepted(key));
  const lost = missing.filter((key) => (byId.get(key)?.length ?? 0) < RETRY_SCHEDULE_MS.length);
  const changed = [...byId].filter(([, same]) => new Set(same.map((post) => stablePartOf(post.body))).size > 1);
  return {
    findings: [
      ...lost.map((key) => `D ${key} was never received, after ${byId.get(key)?.length ?? 0} attempts`),
      ...changed.map(([key]) => `D ${key} was sent with different contents`),
      ...(variant.earlierCode ? [] : wrongCopiesOf(flows, posts)),
    ],
    notified: expected.length - missing.length,
    givenUp: missing.length - lost.length,
  };
}

/** D10: if copies are sent later, each attempt of `task.archived` has them, and no attempt of another event does. */
function wrongCopiesOf(flows: SimulationRun["flows"], posts: SimulationRun["posts"]): string[] {
  return posts.flatMap(({ id, body }) => {
    const { type, data } = JSON.parse(body) as { type: string; data: Partial<TaskView> };
    const flow = flows.get(`flow_${id.split("_")[1]}`)?.flow;
    if (!flow || !archivesLater(flow.eventMask) || !type.startsWith("task.") || data.action === TILE_ACTION) return [];
    const told = (data.copies?.length ?? 0) + (data.copyFailures?.length ?? 0) > 0;
    return told === (type === "task.archived") ? [] : [`D ${id} was sent ${told ? "with" : "without"} copies`];
  });
}

/** J: every replay has ended, and a completed one has handled each delivery that it found (D11). */
function openReplaysOf({ replays }: SimulationRun): string[] {
  return replays.flatMap(({ id, status, found, sent, failed, skipped, due }) => {
    if (!["completed", "canceled", "failed"].includes(status) || due !== undefined) return [`J ${id} is ${status}`];
    const handled = sent + failed + skipped;
    return status === "completed" && handled !== found ? [`J ${id} has handled ${handled} of ${found} deliveries`] : [];
  });
}

/**
 * N: every event with a subscriber has a record, and a flow with such a log has no due time. A record that names a row has
 * this row, and a waiting delivery is due. A subscriber that got an event has it in the log or in a row. No event is parked.
 */
function incompleteLogsOf({ flows, deliveryLogs, deliveries, posts }: SimulationRun): string[] {
  const rows = new Map(deliveries.map((delivery) => [deliveryIdOf(delivery), delivery]));
  const waiting = deliveries
    .filter(({ status, due }) => status === "pending" && due === undefined)
    .map((delivery) => `N ${deliveryIdOf(delivery)} waits without a due time`);
  const logged = new Set<string>();
  const ofLogs = [...deliveryLogs].flatMap(([flowId, log]) => {
    const { flow, tasks } = flows.get(flowId)!;
    const { events } = unrecordedEvents(flow, tasks, log, flow.createdAt);
    const missing = events.map(({ subject, event }) => `N ${flowId} ${subject} ${event.name} has no record`);
    if (flow.pendingEffects) missing.push(`N ${flowId} still has a pending notification`);
    for (const { subject, name, outcomes } of log.records.values()) {
      logged.add(eventIdOf(flowId, subject, name));
      for (const [listener, outcome] of outcomes) {
        const id = deliveryIdOf({ flowId, subject, name, listener });
        if (outcome === "row" && !rows.has(id)) missing.push(`N ${id} has no row`);
        if (outcome === "parked" && !rows.has(id)) missing.push(`N ${id} is still parked`);
      }
    }
    return missing;
  });
  // A later image, an adopted late success and a reopened flow give an end another name. If a process crashed between the post
  // of the earlier one and its record, only the later one is recorded.
  const isReplaced = (id: string) => {
    const [, flowPart, subject, name = ""] = id.split("_");
    const { flow, tasks } = flows.get(`flow_${flowPart}`)!;
    const task = tasks.find(({ path }) => path === subject);
    const events = subject === FLOW_SUBJECT ? flowEvents(flow) : task ? taskEvents(task) : [];
    return /^(?:failed|completed)/.test(name) && !events.some((event) => event.name === name);
  };
  const isLogged = (id: string) => logged.has(id) || isReplaced(id);
  const unlogged = [...new Set(posts.map(({ id }) => id))]
    .filter((id) => deliveryLogs.has(`flow_${id.split("_")[1]}`) && !isLogged(id) && !id.includes("_progress"))
    .map((id) => `N ${id} was posted and has no record`);
  return [...waiting, ...ofLogs, ...unlogged];
}

/** Returns the part of an event that must be equal in every delivery attempt. Counters in the body may change. */
function stablePartOf(body: string): string {
  const { type, timestamp } = JSON.parse(body) as { type: string; timestamp: string };
  return `${type} ${timestamp}`;
}

/** E: at the end nothing is held or open, and reserved = settled + refunded, exact to the micro-USD. */
function openHoldsOf({ credits, flows }: SimulationRun): string[] {
  return credits.flatMap(({ appId, counter, reserved }) => {
    const { settled, refunded, running, entries } = counter;
    const own = [...flows.values()].filter(({ flow }) => counterIdOf(flow.appId, flow.credit?.counter) === appId);
    const held = own
      .filter(({ flow: { credit } }) => credit && (needsSettlement(credit) || credit.settling))
      .map(({ flow }) => `E ${appId} still has a hold for ${flow.id}: ${JSON.stringify(flow.credit)}`);
    if (reserved !== settled + refunded)
      held.push(`E ${appId} reserved ${reserved}, but settled ${settled} and refunded ${refunded}`);
    if (running !== 0) held.push(`E ${appId} still counts ${running} running flows`);
    if (Object.keys(entries).length > 0) held.push(`E ${appId} still has the entries ${JSON.stringify(entries)}`);
    // The settled amount can be lower, because submissions that are found after the settlement are not charged.
    const cost = own.reduce((sum, { tasks }) => sum + costMicroUsd(tasks), 0);
    if (settled > cost) held.push(`E ${appId} settled ${settled}, but its flows cost ${cost}`);
    return held;
  });
}

/**
 * MC2: the repetitions of one press have one id, and one child in addition to those that had failed before a repetition. With an
 * Idempotency-Key there is one child, however late the repetition comes.
 */
function repeatedPressesOf({ mjPresses, mjPointers, flows, profile }: SimulationRun): string[] {
  const pointers = Map.groupBy(mjPointers, ({ state }) => state);
  return mjPresses.flatMap(({ flowId, state, keyed, results }) => {
    const ids = new Set((pointers.get(state) ?? []).map(({ id }) => id));
    const tasks = flows.get(flowId)?.tasks.filter(({ mjTaskId }) => mjTaskId !== undefined && ids.has(mjTaskId)) ?? [];
    const byTime = tasks.toSorted((a, b) => a.createdAt - b.createdAt);
    // The ten seconds in which a repetition is the same press (MC2) are shorter if clocks differ.
    const isTimed = !keyed && profile.clockSkew > 0;
    const others = isTimed
      ? []
      : keyed
        ? byTime.slice(1)
        : byTime.slice(0, -1).filter(({ status }) => !hasFailed(status));
    const unknown = [...results].filter((id) => !tasks.some(({ mjTaskId }) => mjTaskId === id));
    return [
      ...others.map(() => `M ${flowId} press ${state} was made ${tasks.length} times`),
      ...unknown.map((id) => `M ${flowId} press ${state} got the id ${id} without a task`),
    ];
  });
}

function hasFailed(status: Task["status"]): boolean {
  return status === "FAILURE" || status === "CANCEL" || status === "EXPIRED";
}

/** Time that a worker may need from its read of the flow to the call of the vendor, or from the response to the write. */
const ON_ITS_WAY_MS = 1_000;

/**
 * After the cancellation of a flow none of its tasks is submitted, until the flow is resumed. The time of the write counts:
 * the time in the row is that of the clock of the process that canceled the flow.
 */
function submissionsAfterCancel({ vendor: { accepted }, writtenAt }: SimulationRun): string[] {
  return accepted.flatMap(({ flowPart, path, at }) => {
    const canceledAt = writtenAt.cancellation.get(`flow_${flowPart}`) ?? Number.POSITIVE_INFINITY;
    return at > canceledAt + ON_ITS_WAY_MS ? [`flow_${flowPart} ${path} was submitted after the cancellation`] : [];
  });
}

/** B: every accepted request has a flow, and every flow ends with the status that its tasks have. */
function unfinishedOf(run: SimulationRun): string[] {
  const lost = run.accepted
    .filter(({ flowId }) => !run.flows.has(flowId))
    .map(({ flowId }) => `B ${flowId} does not exist`);
  const open = [...run.flows.values()].flatMap(({ flow, tasks, status }) => {
    const stuck = tasks.filter((task) => !isEnded(task)).map((task) => `${task.path} ${task.status}`);
    if (status === "running") return [`B ${flow.id} did not end: ${stuck.join(", ")}`];
    return flow.status === status ? [] : [`B ${flow.id} ended as ${status} but is recorded as ${flow.status}`];
  });
  return [...lost, ...open];
}

/** No task has a pending effect, and every successful tile has its image. */
function missingCopiesOf({ flow, tasks }: FlowState): string[] {
  return tasks.flatMap(({ path, action, status, pendingEffects, copies }) => [
    ...(pendingEffects ? [`${flow.id} ${path} still has the pending effects ${pendingEffects.join(", ")}`] : []),
    ...(action === "TILE" && status === "SUCCESS" && copies?.length !== 1
      ? [`${flow.id} ${path} is a tile without an image`]
      : []),
  ]);
}

/** Every success has all its follow-ups, and no other task has any. */
function lineageOf({ tasks }: FlowState): string[] {
  return tasks.flatMap((task) => {
    const children = tasks.filter((other) => isPlannedChild(other.path, task.path)).length;
    const wanted = task.status === "SUCCESS" ? (task.then?.length ?? 0) : 0;
    return children === wanted ? [] : [`${task.path} ${task.status} has ${children} of ${wanted} follow-ups`];
  });
}

/** Every task has the image and the vendor task id of its own submissions. Accounts may use equal ids. */
function foreignResultsOf(run: SimulationRun): string[] {
  const byPress = submissionsOf(run);
  return [...run.flows.values()].flatMap(({ tasks }) =>
    tasks.flatMap(({ flowId, path, account, vendorTaskId, result, late }) => {
      const own = byPress.get(`${flowId} ${path}`) ?? [];
      const images = [result?.imageUrl, late?.result?.imageUrl].filter((url) => url !== undefined);
      const gridOf = (url: string) => url.replace(/\?picture=[1-4]$/, "");
      const foreign = images.filter((url) => !own.some((one) => imageUrlOf(one) === gridOf(url)));
      const jobId = vendorTaskId && jobIdOf(run.variant, vendorTaskId);
      const named = own.some((one) => one.account === account && one.id === jobId);
      if (vendorTaskId !== undefined && !named) foreign.push(`task ${vendorTaskId}`);
      return foreign.map((what) => `${flowId} ${path} has ${what} of another task`);
    }),
  );
}

/**
 * Heals of the wait lists, slots and settlements, and rules about tasks that must not be given up. Each guard removes one heal from a source file, and then a test in `tests` must fail. So a
 * heal cannot be removed unnoticed, although another one often hides its absence in the simulation.
 */
export interface Guard {
  name: string;
  file: string;
  /** Text that occurs once in the file, and what replaces it. */
  was: string;
  is: string;
  tests: string;
}

const LIST = { file: "packages/engine/src/submit/wait-list.ts", tests: "test/engine/wait-list-heal.test.ts" };
const CALLS = { file: "packages/engine/src/submit/call-slots.ts", tests: "test/engine/call-slots.test.ts" };
const WORKER = { file: "packages/core/src/state/worker.ts", tests: "packages/core/src/state.test.ts" };

const SWEEP = { file: "packages/engine/src/sweep/sweep.ts", tests: "test/engine/late.test.ts" };
const SETTLE = { file: "packages/engine/src/credit/credit-settle.ts", tests: "test/engine/late.test.ts" };

export const GUARDS: readonly Guard[] = [
  {
    ...LIST,
    name: "who enters looks again whether the list is open",
    was: "  // The list may have been closed as empty meanwhile (WL4).\n  await openWaitList(deps, task);\n",
    is: "",
  },
  {
    ...LIST,
    name: "the list is open before it has an entry",
    was: "  await openWaitList(deps, task);\n  await deps.store.addWaiting",
    is: "  await deps.store.addWaiting",
  },
  {
    ...LIST,
    name: "a look at a waiting task opens its list",
    was: "if (list?.since === undefined || list.due === undefined) await addToWaitList(deps, task);",
    is: "if (!isThere) await addToWaitList(deps, task);",
  },
  {
    ...LIST,
    name: "a look at a waiting task adds its entry",
    was: "const list = isThere ? await deps.store.waitList(provider, account) : undefined;",
    is: "const list = await deps.store.waitList(provider, account) ?? { since: 1, due: 1 };",
  },
  {
    ...LIST,
    name: "the sweeper looks again after it has closed a list",
    was: "    return { ...list, since: undefined, due: undefined };\n  });\n  await reopenIfUsed(deps, ref);",
    is: "    return { ...list, since: undefined, due: undefined };\n  });",
  },
  {
    ...LIST,
    name: "the sweeper wakes a list that is due",
    was: 'deps.log.count("WaitListsChecked");\n  await deps.queue.send([outgoingWake(ref, first)]);',
    is: 'deps.log.count("WaitListsChecked");',
  },
  {
    ...LIST,
    name: "the dispatcher looks again after it has closed a list",
    was: 'if (served.stop === "empty" && !(await reopenIfUsed(deps, ref))) return;',
    is: 'if (served.stop === "empty") return;',
  },
  {
    ...LIST,
    name: "the sweeper opens a closed list that has an entry",
    was: "    if (await reopenIfUsed(deps, ref)) deps.log.info(",
    is: "    if (deps === undefined) deps.log.info(",
  },
  {
    ...LIST,
    file: "packages/engine/src/sweep/sweep.ts",
    name: "the sweeper of the local server looks for closed lists",
    was: "  await openUsedLists(deps);\n",
    is: "",
  },
  {
    ...LIST,
    file: "packages/engine/src/sweep/sweep-job.ts",
    name: "the sweeper of a deployment looks for closed lists",
    was: "  await openUsedLists(deps);\n",
    is: "",
  },
  {
    ...LIST,
    name: "a list that cannot be read does not keep the others closed",
    was: '    deps.log.warn("wait-list.not-read", { ...ref, error: String(error) });\n  }\n}\n',
    is: "    throw error;\n  }\n}\n",
  },
  {
    ...LIST,
    name: "the dispatcher looks again at a full account",
    was: 'if (served.stop !== "empty" && served.stop !== "full") return;',
    is: 'if (served.stop !== "empty") return;',
  },
  {
    ...LIST,
    name: "the dispatcher waits for its calls",
    was: '.catch((error: unknown) => {\n        stop ??= "failed";\n        log.warn("wait-list.not-read", { ...ref, error: String(error) });\n      });',
    is: ";",
  },
  {
    ...LIST,
    name: "an old invocation begins no call",
    was: "const until = dispatch.startedAt + DISPATCH_MS;",
    is: "const until = deps.clock.now() + DISPATCH_MS;",
  },
  {
    ...LIST,
    name: "a dispatcher without time is continued",
    was: "if (first) await queue.send([outgoingWake(ref, first, stop ===",
    is: "if (!first) await queue.send([outgoingWake(ref, first!, stop ===",
  },
  {
    ...LIST,
    name: "a failed dispatcher is followed soon",
    was: "failed: now + WAIT_LIST_CHECK_MS / 4,",
    is: "failed: now + WAIT_LIST_CHECK_MS,",
  },
  {
    file: "packages/core/src/wait-list.ts",
    tests: LIST.tests,
    name: "the lease of a dispatcher ends",
    was: "return dispatchUntil > now;",
    is: "return dispatchUntil > 0;",
  },
  {
    ...CALLS,
    name: "the end of a call in a full row wakes the list",
    was: "if (ref.row === 0 || heldCount({ held }) + 1 >= limit) await wakeWaitList(deps, ref);",
    is: "",
  },
  {
    ...CALLS,
    name: "no call uses an entry that a lost write may have removed",
    was: "addFinished(finished, { ...each, mayStay: false });",
    is: "addFinished(finished, each);",
  },
  {
    ...CALLS,
    name: "outdated entries are removed from a full row",
    was: "const outdated = Object.entries(outdatedCallSlots({ held }, CALL_SLOT_MS, at));",
    is: "const outdated: [string, number][] = [];",
  },
  {
    ...WORKER,
    name: "a claim counts only at the account of its call",
    was: "  if (at && !isSameAccount(task, at)) return ignoreNotWaiting(task);\n  const leaseUntil",
    is: "  const leaseUntil",
  },
  {
    ...SWEEP,
    name: "a task without a response is not given up at its deadline",
    was: "const extraMs = hasResponse ? 0 : deps.timings.lookupFailedMs;",
    is: "const extraMs = 0;",
  },
  {
    ...SWEEP,
    name: "a single response that misses a task does not end it at its deadline",
    was: "const hasResponse = report !== undefined || (lookedUp.has(task) && !countsMisses(task));",
    is: "const hasResponse = lookedUp.has(task);",
  },
  {
    ...SWEEP,
    file: "packages/core/src/state/sweeper.ts",
    name: "a task without a response since its deadline has a day before it ends without a look-up",
    was: "isPastDeadline(task, ctx, 1.5, timings.lookupFailedMs)",
    is: "isPastDeadline(task, ctx, 1.5)",
  },
  {
    ...SETTLE,
    name: "a press that costs nothing more gets a settlement of its own",
    was: "if (!needsSettlement(credited)) return settled;",
    is: "if (credited.held === 0 && credited.runs === 0) return settled;",
  },
  {
    ...SETTLE,
    name: "an ended flow that is settled has a due time",
    was: "const due = flow.due ?? now + SETTLING_LEASE_MS;",
    is: "const due = flow.due;",
  },
  {
    ...SETTLE,
    file: "packages/engine/src/step/record-flow-end.ts",
    name: "the due time of a finished settlement is removed",
    was: "if (!flow.reopened && !open && (flow.due === undefined || flow.pendingEffects)) return true;",
    is: "if (!flow.reopened && !open) return true;",
  },
  {
    ...SETTLE,
    tests: "test/app/quota.test.ts",
    name: "a process that takes a settlement over looks for its entry before it sends the change again",
    was: "settling!.shared && (await isInCounter(deps, counterId, name))",
    is: "false",
  },
  {
    ...SETTLE,
    file: "packages/engine/src/credit/credit-counter.ts",
    tests: "test/app/quota.test.ts",
    name: "a request that finishes a grant looks for its entry before it adds the grant again",
    was: "if (await isInCounter(deps, counterId, grantEntryName(reference))) continue;",
    is: "",
  },
];

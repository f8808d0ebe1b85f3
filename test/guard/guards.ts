/**
 * The guards: each is one line of the product that a rule stands on, what it looks like when it is gone, and the test
 * files of which at least one must fall then. `npm run guards` takes each away in turn; a guard nobody misses is a hole.
 */
export interface Guard {
  name: string;
  rule: string;
  file: string;
  /** Must stand in the file exactly once. */
  find: string;
  instead: string;
  tests: string[];
}

const ENGINE = ["test/engine/fault.test.ts", "test/engine/flow.test.ts"];
const DOOR = ["test/engine/fault.test.ts", "test/engine/attack.test.ts"];
const CORE = ["packages/core/src/state.test.ts"];
const SIM = ["test/sim/sim.test.ts"];

export const GUARDS: readonly Guard[] = [
  {
    name: "the token's proof is checked",
    rule: "D1",
    file: "packages/engine/src/hook.ts",
    find: "if (!timingSafeEqual(given, Buffer.from(macOf(parsed.text, key))))",
    instead: "if (given.length === 0)",
    tests: DOOR,
  },
  {
    name: "the token's expiry is checked",
    rule: "D1",
    file: "packages/engine/src/hook.ts",
    find: "if (parsed.claims.expiresAt <= now)",
    instead: "if (now < 0)",
    tests: DOOR,
  },
  {
    name: "progress nobody asked for is dropped at the door",
    rule: "D2",
    file: "packages/engine/src/receive.ts",
    find: "if (!claims.progress && !isNews(report)) {",
    instead: "if (claims.attempt < 0) {",
    tests: ENGINE,
  },
  {
    name: "our hook and the mask are stripped from what is kept",
    rule: "D7",
    file: "packages/providers/src/clean.ts",
    find: "!DROPPED.has(key.toLowerCase()) && item !== null",
    instead: "item !== null && key !== undefined",
    tests: ["packages/providers/src/read.test.ts", "packages/providers/src/conformance.test.ts"],
  },
  {
    name: "a lease blocks the second claim",
    rule: "P5",
    file: "packages/core/src/state/worker.ts",
    find: 'return leaseHolds(task, ctx) ? { kind: "ignore", why: "leased" } : doubt(task, ctx);',
    instead: 'return move(task, "UNCLEAR", { due: ctx.now }, ctx);',
    tests: [...CORE, ...ENGINE],
  },
  {
    name: "a worker may only make the call it prepared",
    rule: "P4",
    file: "packages/core/src/state/worker.ts",
    find: 'task.status === "MODAL" && task.modal && wanted === "modal"',
    instead: 'task.status === "MODAL" && task.modal',
    tests: [...CORE, ...SIM],
  },
  {
    name: "a crashed worker's task is in doubt, not sent again",
    rule: "P3",
    file: "packages/core/src/state/move.ts",
    find: 'return move(task, "UNCLEAR", {',
    instead: 'return move(task, "PENDING", {',
    tests: [...CORE, ...ENGINE],
  },
  {
    name: "an unclear submission waits for its grace",
    rule: "P3",
    file: "packages/core/src/state/move.ts",
    find: "ctx.now + ctx.timings.graceMs[task.pace]",
    instead: "ctx.now",
    tests: [...CORE, ...ENGINE],
  },
  {
    name: "a task is submitted at most attemptLimit times",
    rule: "P3",
    file: "packages/core/src/state/sweeper.ts",
    find: "|| task.attempt >= timings.attemptLimit;",
    instead: ";",
    tests: [...CORE, ...ENGINE],
  },
  {
    name: "never means never",
    rule: "P3",
    file: "packages/core/src/state/sweeper.ts",
    find: 'task.resubmit === "never" || ',
    instead: "",
    tests: ENGINE,
  },
  {
    name: "a busy vendor's attempt is given back",
    rule: "P2",
    file: "packages/core/src/state/worker.ts",
    find: 'return move(task, "PENDING", { ...patch, attempt: task.attempt - 1 }, ctx, again);',
    instead: 'return move(task, "PENDING", { ...patch, attempt: task.attempt }, ctx, again);',
    tests: [...CORE, ...ENGINE],
  },
  {
    name: "an ended task never moves",
    rule: "T1",
    file: "packages/core/src/state/vendor.ts",
    find: "if (isEnded(task)) return afterEnd(task, signal, ctx);",
    instead: "",
    tests: [...CORE, ...ENGINE],
  },
  {
    name: "progress never goes back",
    rule: "T2",
    file: "packages/core/src/state/vendor.ts",
    find: "Math.max(task.progress, report.progress ?? 0)",
    instead: "(report.progress ?? 0)",
    tests: CORE,
  },
  {
    name: "a success keeps its due time until its follow-ups are sent",
    rule: "T4",
    file: "packages/core/src/state/move.ts",
    find: "const due = owed.length > 0 ? ctx.now + ctx.timings.effectsMs : undefined;",
    instead: "const due = undefined;",
    tests: [...CORE, ...ENGINE],
  },
  {
    name: "follow-ups are stored before their messages are sent, and let go after",
    rule: "Q3",
    file: "packages/engine/src/follow.ts",
    find: 'if (waiting.length > 0) await deps.queue.send(waiting);\n  await apply(deps, parent, { kind: "followed" });',
    instead:
      'await apply(deps, parent, { kind: "followed" });\n  if (waiting.length > 0) await deps.queue.send(waiting);',
    tests: ENGINE,
  },
  {
    name: "a follow-up's id is its place in the plan",
    rule: "T3",
    file: "packages/engine/src/follow.ts",
    find: "const path = childPath(parent.path, i);",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code, to be put into a file
    instead: "const path = childPath(parent.path, `m${i}x${now}`);",
    tests: [...ENGINE, ...SIM],
  },
  {
    name: "the claim is stored before the vendor is called",
    rule: "P1",
    file: "packages/engine/src/submit.ts",
    find: 'if (!effectsOf(claimed.decision).some((effect) => effect.kind === "call")) return;',
    instead: "",
    tests: [...ENGINE, ...SIM],
  },
  {
    name: "an answer the table refuses is kept by the queue",
    rule: "P3",
    file: "packages/engine/src/submit.ts",
    find: 'if (signal.kind === "accepted" || signal.kind === "window") {',
    instead: 'if (signal.kind === "claim") {',
    tests: ENGINE,
  },
  {
    name: "the same button is pressed once, however it is spelt",
    rule: "P4",
    file: "packages/engine/src/submit.ts",
    find: 'if (isDoubled(task, parent, customId, buttons)) return hopeless(failure("press_doubled"));',
    instead: "",
    tests: ENGINE,
  },
  {
    name: "the app's state never goes to a vendor",
    rule: "T5",
    file: "packages/engine/src/submit.ts",
    find: "state: vendorState(task, task.attempt),",
    instead: 'state: flow.state ?? "",',
    tests: ENGINE,
  },
  {
    name: "a flow is its own commit point: root first, flow second",
    rule: "Q3",
    file: "packages/store/src/dynamo.ts",
    find: 'await saveTask(root, undefined);\n      return (await saveFlow(flow, undefined)).ok ? "created" : "exists";',
    instead:
      'const saved = await saveFlow(flow, undefined);\n      await saveTask(root, undefined);\n      return saved.ok ? "created" : "exists";',
    tests: ["test/conformance/store.dynoxide.test.ts"],
  },
  {
    name: "a write is made only on the revision it was decided on",
    rule: "T1",
    file: "packages/store/src/memory.ts",
    find: "if (current?.rev !== rev) return { ok: false, current };",
    instead: "",
    tests: ["test/conformance/store.memory.test.ts", ...SIM],
  },
  {
    name: "another app's flow does not exist",
    rule: "D6",
    file: "packages/engine/src/press.ts",
    find: "if (!flow || flow.appId !== appId || !tasks[0])",
    instead: "if (!flow || !tasks[0])",
    tests: ["test/api/api.test.ts"],
  },
  {
    name: "a hostile depth is refused before the schema walks it",
    rule: "D4",
    file: "functions/http/body.ts",
    find: "if (!isShallow(value))",
    instead: "if (value === undefined)",
    tests: ["test/api/api.test.ts"],
  },
  {
    name: "one poisoned message fails alone",
    rule: "Q2",
    file: "packages/queue/src/consume.ts",
    find: "const batchItemFailures = event.Records.filter((_, i) => failed[i])",
    instead: "const batchItemFailures = event.Records.filter(() => failed.includes(true))",
    tests: ["test/engine/letter.test.ts", "packages/queue/src/consume.test.ts"],
  },
  {
    name: "older code gives back what newer code stored in a row",
    rule: "28",
    file: "packages/store/src/codec.ts",
    find: "    ...value[UNKNOWN],\n",
    instead: "",
    tests: ["packages/store/src/item.test.ts", "test/fault/version.test.ts"],
  },
  {
    name: "a flood of copies does not fight over what is only counted",
    rule: "29",
    file: "packages/engine/src/apply.ts",
    find: "if (race >= TRIFLING_RACES && isTrifle(current, decision))",
    instead: "if (race > RACES && isTrifle(current, decision))",
    tests: ["test/fault/hot.test.ts"],
  },
  {
    name: "a vendor's id counts within its account",
    rule: "19",
    file: "packages/engine/src/sweep.ts",
    find: "Map.groupBy(toAsk, (task) => `",
    instead: "Map.groupBy(toAsk, (task) => task.provider || `",
    tests: ["test/fault/collision.test.ts"],
  },
  {
    name: "every hook key of a rotation is believed",
    rule: "32",
    file: "packages/engine/src/hook.ts",
    find: "new Map(keys.map((key) => [keyIdOf(key), key]))",
    instead: "new Map(keys.slice(0, 1).map((key) => [keyIdOf(key), key]))",
    tests: ["test/fault/rotation.test.ts"],
  },
];

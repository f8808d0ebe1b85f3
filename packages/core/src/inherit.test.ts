import { expect, test } from "vitest";
import type { Flow } from "./flow.ts";
import { inheritedByChild, inheritedByRestart, inheritedByRetry, requestFieldsOf } from "./inherit.ts";
import { type NewTask, newTask } from "./task.ts";

const EVERY_FIELD: Required<NewTask> = {
  flowId: "flow_1",
  path: "0-1",
  appId: "app_1",
  action: "IMAGINE",
  provider: "vendor",
  account: "first",
  pace: "fast",
  press: "U1",
  customId: "MJ::1",
  inputsRef: "flow_1",
  linkField: "image",
  optionalFields: ["loop"],
  modal: { prompt: "a hat", maskRef: "task_1/0" } as never,
  then: [{ press: "U1" }] as never,
  resubmit: "never",
  mjTaskId: "1795219200000123",
  eventMask: 7,
  archive: true,
  taskCount: 2,
  flowDue: 5,
};
const TASK = newTask(EVERY_FIELD, 1, 5);

const without = (...names: (keyof NewTask)[]) =>
  Object.fromEntries(Object.entries(EVERY_FIELD).filter(([name]) => !names.includes(name as keyof NewTask)));

test("a retry takes over everything but its path, the id of its button, its compat id and its due time", () => {
  expect(inheritedByRetry(TASK)).toEqual(without("path", "customId", "mjTaskId", "flowDue"));
});

test("the root of a restarted flow takes over the request and the plan, and no account, flow, press or event mask", () => {
  expect(inheritedByRestart(TASK)).toEqual({
    appId: "app_1",
    action: "IMAGINE",
    pace: "fast",
    inputsRef: "flow_1",
    linkField: "image",
    optionalFields: ["loop"],
    then: [{ press: "U1" }],
    resubmit: "never",
    taskCount: 2,
  });
});

test("a child takes over the flow, the account, the pace and what the app asked for of the whole flow", () => {
  expect(inheritedByChild(TASK)).toEqual({
    flowId: "flow_1",
    appId: "app_1",
    provider: "vendor",
    account: "first",
    pace: "fast",
    resubmit: "never",
    eventMask: 7,
    archive: true,
  });
});

test("unset fields stay unset", () => {
  const { flowId, path, action, provider, account, pace } = EVERY_FIELD;
  const plain = newTask({ flowId, path, action, provider, account, pace }, 1, 5);
  expect(inheritedByRetry(plain)).toStrictEqual({ flowId, action, provider, account, pace });
});

test("a restarted flow takes over every field of the request, and nothing of what happened to the flow", () => {
  const request = {
    appId: "app_1",
    action: "video",
    anyProvider: true,
    onVendorLoss: "restart",
    prompt: "a boat",
    originalPrompt: "船",
    reducedImages: [{ field: "image" }],
    dimensions: "SQUARE",
    video: { motion: "high" },
    mode: "fast",
    botType: "NIJI_JOURNEY",
    accountFilter: { remark: "vip" },
    state: "order 7",
    notifyHook: "https://app.test/hook",
    events: ["task.completed"],
    eventMask: 7,
    logRows: 3,
    template: "portrait",
    archive: true,
    progress: true,
  } as const;
  const flow = {
    ...request,
    ...{ id: "flow_1", rev: 4, status: "failed", provider: "vendor", account: "first", createdAt: 1, endedAt: 2 },
    ...{ canceledAt: 2, endCount: 1, hasCreditHold: true, reopened: true, restartOf: "flow_0", restartedAs: "flow_2" },
    ...{ pendingEffects: ["tell"], due: 3 },
  } as unknown as Flow;
  expect(requestFieldsOf(flow)).toStrictEqual(request);
});

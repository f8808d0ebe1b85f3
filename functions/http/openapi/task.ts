/** `/v1/tasks`, described. */
import { ActionRequest, ModalRequest } from "@mjflow/core/request";
import { Task, TaskRaw } from "@mjflow/core/response";
import {
  AUTH_ERRORS,
  BODY_ERRORS,
  ETAG,
  IDEMPOTENCY_ERRORS,
  IDEMPOTENCY_KEY,
  IF_NONE_MATCH,
  LOCATION,
  PREFER,
  PREFERENCE_APPLIED,
  REPLAYED,
  type RouteGroup,
} from "./route-description.ts";

export const tasks = {
  tag: "Tasks",
  description:
    "A task is one paid call to a vendor: the first picture, or a button pressed on a finished one. Plans make them; these routes are for doing it by hand.",
  routes: {
    "GET /v1/tasks/:id": {
      id: "getTask",
      summary: "Read a task",
      headers: [IF_NONE_MATCH, PREFER],
      answers: {
        200: { about: "The task.", schema: Task, headers: [ETAG, PREFERENCE_APPLIED] },
        304: { about: "What you have is all there is.", headers: [ETAG, PREFERENCE_APPLIED] },
      },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "GET /v1/tasks/:id/raw": {
      id: "getTaskRaw",
      summary: "Read what the vendor said of a task",
      description:
        "The last body that told something of it, from a callback or a look-up: for finding out what a vendor meant. Our own address, masks and what the vendor keeps for itself are taken out.",
      answers: { 200: { about: "The body, as text.", schema: TaskRaw } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/tasks/:id/actions": {
      id: "pressButton",
      summary: "Press a button of a finished task",
      description:
        "By its label or one of mjflow's names (`press`), or by its `customId`; one of the two. A button the task does not have is a 422 that lists those it has. Each press is a task of its own, and paid for.",
      headers: [IDEMPOTENCY_KEY, PREFER],
      body: ActionRequest,
      example: { press: "U2", then: [{ press: "zoom:1.5" }] },
      answers: {
        202: { about: "The new task.", schema: Task, headers: [LOCATION, REPLAYED, PREFERENCE_APPLIED] },
        200: {
          about: "The new task, ended: within the time you preferred to wait, or before you asked again.",
          schema: Task,
          headers: [LOCATION, REPLAYED, PREFERENCE_APPLIED],
        },
      },
      errors: [
        ...AUTH_ERRORS,
        ...BODY_ERRORS,
        ...IDEMPOTENCY_ERRORS,
        "not_found",
        "conflict",
        "press_not_offered",
        "banned_prompt",
        "out_of_credit",
      ],
    },
    "POST /v1/tasks/:id/modal": {
      id: "answerModal",
      summary: "Answer a task's window",
      description:
        "For a task in `MODAL`, or one that may still open a window. Without a prompt the one the window holds is kept. The same answer given twice is taken once.",
      headers: [IDEMPOTENCY_KEY, PREFER],
      body: ModalRequest,
      example: { prompt: "the same boat at night" },
      answers: {
        202: { about: "The task.", schema: Task, headers: [LOCATION, REPLAYED, PREFERENCE_APPLIED] },
        200: { about: "The task, ended.", schema: Task, headers: [LOCATION, REPLAYED, PREFERENCE_APPLIED] },
      },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, ...IDEMPOTENCY_ERRORS, "not_found", "conflict", "banned_prompt"],
    },
    "POST /v1/tasks/:id/retry": {
      id: "retryTask",
      summary: "Try a failed task again",
      description:
        "With the same press, prompt and plan, as a task beside it whose `retryOf` names it; it stays as it is. A root is tried again in the root's place. Asked twice it is tried once. It is paid for as new work.",
      headers: [PREFER],
      answers: {
        202: { about: "The new task.", schema: Task, headers: [LOCATION, PREFERENCE_APPLIED] },
        200: { about: "The new task, ended.", schema: Task, headers: [LOCATION, PREFERENCE_APPLIED] },
      },
      errors: [...AUTH_ERRORS, "not_found", "conflict", "out_of_credit"],
    },
  },
} as const satisfies RouteGroup;

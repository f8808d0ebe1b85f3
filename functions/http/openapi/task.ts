/** Descriptions of the routes under `/v1/tasks`. */
import { ActionRequest, ModalRequest } from "@mjflow/core/request";
import { TaskRaw, TaskRead } from "@mjflow/core/response";
import {
  ACTION_HEADERS,
  AUTH_ERRORS,
  BODY_ERRORS,
  IDEMPOTENCY_ERRORS,
  IDEMPOTENCY_KEY,
  IF_NONE_MATCH,
  KEYED_HEADERS,
  PREFER,
  READ_HEADERS,
  type RouteGroup,
  TRANSLATION_ERRORS,
} from "./route-description.ts";

export const tasks = {
  tag: "Tasks",
  description:
    "A task is one paid call to a vendor: the first image, or a button pressed on a finished task. Plans create tasks automatically. With these routes you read tasks, press buttons and retry tasks yourself.",
  routes: {
    "GET /v1/tasks/:id": {
      id: "getTask",
      summary: "Get a task",
      headers: [IF_NONE_MATCH, PREFER],
      responses: {
        200: { about: "The task.", schema: TaskRead, headers: READ_HEADERS },
        304: { about: "The task has not changed.", headers: READ_HEADERS },
      },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "GET /v1/tasks/:id/raw": {
      id: "getTaskRaw",
      summary: "Get the vendor's raw response",
      description:
        "Returns the last body with new information about the task, from a callback or a look-up. Use it to find out what a vendor meant. mjflow removes its own callback URL, masks and the vendor's internal fields.",
      responses: { 200: { about: "The body as text.", schema: TaskRaw } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/tasks/:id/actions": {
      id: "pressButton",
      summary: "Press a button",
      description:
        "Presses a button of a finished task. Name the button by its label or press name (`press`), or by its `customId`, but not both. If the task has no such button, the response is a 422 that lists its buttons. Each press creates a new task and is charged.",
      headers: [IDEMPOTENCY_KEY, PREFER],
      body: ActionRequest,
      example: { press: "U2", then: [{ press: "zoom:1.5" }] },
      responses: {
        202: { about: "The new task.", schema: TaskRead, headers: KEYED_HEADERS },
        200: {
          about: "The new task has ended: within the waiting time of `Prefer`, or before you repeated the request.",
          schema: TaskRead,
          headers: KEYED_HEADERS,
        },
      },
      errors: [
        ...AUTH_ERRORS,
        ...BODY_ERRORS,
        ...IDEMPOTENCY_ERRORS,
        "not_found",
        "wrong_state",
        "limit_reached",
        "press_not_offered",
        "press_unsupported",
        "image_rejected",
        "banned_prompt",
        ...TRANSLATION_ERRORS,
        "out_of_credit",
        "too_many_presses",
      ],
    },
    "POST /v1/tasks/:id/modal": {
      id: "answerModal",
      summary: "Submit a modal answer",
      description:
        "Answers the modal of a task in `MODAL`, or of a task whose modal may still open. Without a prompt the vendor keeps the prompt that the modal shows. The same answer sent twice is accepted once.",
      headers: [IDEMPOTENCY_KEY, PREFER],
      body: ModalRequest,
      example: { prompt: "the same boat at night" },
      responses: {
        202: { about: "The task.", schema: TaskRead, headers: KEYED_HEADERS },
        200: { about: "The task has ended.", schema: TaskRead, headers: KEYED_HEADERS },
      },
      errors: [
        ...AUTH_ERRORS,
        ...BODY_ERRORS,
        ...IDEMPOTENCY_ERRORS,
        "not_found",
        "wrong_state",
        "image_rejected",
        "banned_prompt",
        ...TRANSLATION_ERRORS,
      ],
    },
    "POST /v1/tasks/:id/retry": {
      id: "retryTask",
      summary: "Retry a failed task",
      description:
        "Creates a new task with the same press, prompt and plan. Its `retryOf` names the failed task, which does not change. The retry of a root becomes the flow's root. A second request creates no second retry. The retry is charged like a new task.",
      headers: [PREFER],
      responses: {
        202: { about: "The new task.", schema: TaskRead, headers: ACTION_HEADERS },
        200: { about: "The new task has ended.", schema: TaskRead, headers: ACTION_HEADERS },
      },
      errors: [...AUTH_ERRORS, "not_found", "wrong_state", "limit_reached", "out_of_credit", "too_many_presses"],
    },
  },
} as const satisfies RouteGroup;

/**
 * Descriptions of the compat API's routes (docs/protocol.md 1 to 3). Its errors have midjourney-proxy's format and are
 * no problem+json.
 */
import { type ErrorCode, MjflowError } from "@mjflow/core/error";
import { MjAnswer, MjTask } from "@mjflow/core/mj-response";
import * as z from "zod/mini";
import { Action, Change, List, Modal, Root, SimpleChange, Upload, Video } from "../mj-compat/request.ts";
import { refusal } from "../mj-compat/response.ts";
import {
  IDEMPOTENCY_KEY,
  REPLAYED,
  type ResponseDescription,
  type RouteDescription,
  type RouteGroup,
  type Schema,
} from "./route-description.ts";

/** The response to an error, with the example that the route itself would send. */
function refused(about: string, code: ErrorCode): ResponseDescription {
  return { about, schema: MjAnswer, example: refusal(new MjflowError(code), true) };
}

/** Responses of every route. */
const AUTH_RESPONSES: Record<number, ResponseDescription> = {
  401: refused("The API key is missing or not valid; code 9.", "unauthorized"),
  403: refused("The app is disabled; code 9.", "forbidden"),
};
const BODY: Record<number, ResponseDescription> = {
  400: refused("The body is not valid JSON; code 4.", "invalid_json"),
  413: refused("The body is larger than 6 MB; code 4.", "too_large"),
};
const READ: Record<number, ResponseDescription> = {
  500: refused("Internal error; code 9.", "internal"),
  503: refused("Storage is busy; code 23.", "overloaded"),
};
const MISSING: Record<number, ResponseDescription> = {
  404: refused("The task does not exist; code 3.", "not_found"),
};

const COMMON = ["state", "notifyHook", "botType", "mode", "accountFilter"];

interface SubmitRoute extends Partial<RouteDescription> {
  id: string;
  summary: string;
  body: Schema;
  example: unknown;
}

/** A route that submits something. It responds HTTP 200, also after an error. The code says what happened. */
function submit(route: SubmitRoute): RouteDescription {
  const about =
    "Code 1: accepted; `result` is the task's id. Code 3: no vendor account is configured. Code 4: a field is wrong, or the task does not exist; `description` names the field. Code 9: failed. Code 23: busy, or the same request is still running; send it again after `Retry-After`. Code 24: the prompt contains a banned word.";
  return {
    key: "mj",
    headers: [IDEMPOTENCY_KEY],
    responses: { 200: { about, schema: MjAnswer, headers: [REPLAYED] }, ...BODY, ...AUTH_RESPONSES },
    errors: [],
    ...route,
  };
}

function read(
  route: Partial<RouteDescription> & { id: string; summary: string },
  responses: Record<number, ResponseDescription>,
) {
  return { key: "mj" as const, responses: { ...responses, ...AUTH_RESPONSES, ...READ }, errors: [], ...route };
}

const anyObject = z.record(z.string(), z.unknown());
const ID = { id: "The 16-digit id from the `result` of a submission, or a task id of the native API." };
const task = { 200: { about: "The task.", schema: MjTask }, ...MISSING };
const list = { 200: { about: "The tasks that exist, newest first.", schema: z.array(MjTask) } };
const queue = { 200: { about: "The tasks, oldest first.", schema: z.array(MjTask) } };
const ids = { body: List, example: { ids: ["1795219200000123"] } };

const EDIT = {
  description: "The result is a grid. Code 4 if the vendor has no edits, or no masks and the request has one.",
  body: Root,
  requestSchema: ["image", "prompt", "maskBase64", ...COMMON],
  needs: ["image", "prompt"],
  example: { image: "https://example.com/boat.png", prompt: "the same boat in snow" },
};

export const mjCompat = {
  tag: "midjourney-proxy compatible API",
  description:
    'The routes of midjourney-proxy, for apps that already use a server of that family. Such an app changes only its base URL. The same routes exist under `/mj-fast/mj`, `/mj-relax/mj`, `/mj-turbo/mj`, `/mj-fast`, `/mj-relax`, `/mj-turbo`, `/fast/mj`, `/relax/mj`, `/turbo/mj` and `/v1/mj`. A mode in the path has precedence over `mode`, which has precedence over `accountFilter.modes`. Send the API key in `mj-api-secret` or in `Authorization`, with or without `Bearer`. Unknown fields are ignored, null and blank mean "not given", and ids can be numbers. A submission always responds HTTP 200 with a code, except for a wrong key and a body that is not valid JSON or too large. A read uses the HTTP status.',
  routes: {
    "POST /mj/submit/imagine": submit({
      id: "mjImagine",
      summary: "Imagine",
      body: Root,
      requestSchema: ["prompt", "base64Array", "base64", ...COMMON],
      needs: ["prompt"],
      example: { prompt: "a paper boat on calm water", state: "order 7" },
    }),
    "POST /mj/submit/blend": submit({
      id: "mjBlend",
      summary: "Blend two to five images",
      body: Root,
      requestSchema: ["base64Array", "dimensions", ...COMMON],
      needs: ["base64Array"],
      example: {
        base64Array: ["https://example.com/boat.png", "https://example.com/lake.png"],
        dimensions: "LANDSCAPE",
      },
    }),
    "POST /mj/submit/describe": submit({
      id: "mjDescribe",
      summary: "Describe an image",
      description:
        "Send the image as `base64` or as `link`. The text is in the task's `prompt`, `promptEn` and `properties.finalPrompt`.",
      body: Root,
      requestSchema: ["base64", "link", ...COMMON],
      example: { link: "https://example.com/boat.png" },
    }),
    "POST /mj/submit/shorten": submit({
      id: "mjShorten",
      summary: "Shorten a prompt",
      description: "The text is in the task's `promptEn` and `properties.finalPrompt`.",
      body: Root,
      requestSchema: ["prompt", ...COMMON],
      needs: ["prompt"],
      example: { prompt: "a very small paper boat, on water that is calm, in the evening" },
    }),
    "POST /mj/insight-face/swap": submit({
      id: "mjSwapFace",
      summary: "Swap a face",
      description: "Send each image as `…Base64` or as `…Url`.",
      body: Root,
      requestSchema: ["sourceBase64", "sourceUrl", "targetBase64", "targetUrl", ...COMMON],
      example: { sourceUrl: "https://example.com/face.png", targetUrl: "https://example.com/boat.png" },
    }),
    "POST /mj/submit/video": submit({
      id: "mjVideo",
      summary: "Make or extend a video",
      description:
        'Makes a video of `image`. With `action: "extend"`, `taskId` and `index`, it extends one of the videos of a finished task. Code 4 if the vendor has no videos or lacks a field.',
      body: Video,
      requestSchema: [
        ...["prompt", "image", "endImage", "motion", "loop", "batchSize", "videoType"],
        ...["action", "taskId", "index", ...COMMON],
      ],
      example: { image: "https://example.com/boat.png", motion: "low", prompt: "slow drift" },
    }),
    "POST /mj/submit/edits": submit({ ...EDIT, id: "mjEdits", summary: "Edit an image" }),
    "POST /mj/submit/edit": submit({ ...EDIT, id: "mjEdit", summary: "Edit an image (path of trueai-org)" }),
    "POST /mj/submit/retexture": submit({
      id: "mjRetexture",
      summary: "Retexture an image",
      body: Root,
      requestSchema: ["image", "prompt", ...COMMON],
      needs: ["image", "prompt"],
      example: { image: "https://example.com/boat.png", prompt: "made of wood" },
    }),
    "POST /mj/submit/action": submit({
      id: "mjAction",
      summary: "Press a button",
      description:
        "`customId` is from the `buttons` of the finished task. Code 21 means that the button opens a modal. Send the modal answer for the new id with `submit/modal`; you need not wait. The same request sent again within 10 seconds is the same press. With an `Idempotency-Key`, the key alone decides.",
      body: Action,
      requestSchema: ["taskId", "customId", "prompt", "maskBase64", ...COMMON],
      example: { taskId: "1795219200000123", customId: "MJ::JOB::upsample::1::…" },
    }),
    "POST /mj/submit/change": submit({
      id: "mjChange",
      summary: "Press a button by its number",
      description: "`index` is required, except for `REROLL`.",
      body: Change,
      requestSchema: ["taskId", "action", "index", ...COMMON],
      example: { taskId: "1795219200000123", action: "UPSCALE", index: 1 },
    }),
    "POST /mj/submit/simple-change": submit({
      id: "mjSimpleChange",
      summary: "Press a button in one line",
      body: SimpleChange,
      requestSchema: ["content", ...COMMON],
      example: { content: "1795219200000123 U2" },
    }),
    "POST /mj/submit/modal": submit({
      id: "mjModal",
      summary: "Submit a modal answer",
      description: "You can send it before or after the modal opens. Only one answer is accepted.",
      body: Modal,
      example: { taskId: "1795219200000456", prompt: "the same boat at night" },
    }),
    "POST /mj/submit/upload-discord-images": submit({
      id: "mjUpload",
      summary: "Upload images to the vendor",
      description: "Creates no task. `result` contains the vendor's links.",
      headers: [],
      body: Upload,
      needs: ["base64Array"],
      example: { base64Array: ["data:image/png;base64,iVBORw0KGgo="] },
    }),
    "GET /mj/task/:id/fetch": read({ id: "mjFetch", summary: "Get a task", path: ID }, task),
    "GET /mj/query/task/:id": read({ id: "mjQuery", summary: "Get a task (path of some vendors)", path: ID }, task),
    "POST /mj/task/list-by-condition": read(
      { id: "mjListByCondition", summary: "Get several tasks", ...ids },
      { ...list, ...BODY },
    ),
    "POST /mj/task/list-by-ids": read(
      { id: "mjListByIds", summary: "Get several tasks (path of trueai-org)", ...ids },
      { ...list, ...BODY },
    ),
    "GET /mj/task/list": read({ id: "mjList", summary: "List the latest 100 tasks" }, list),
    "GET /mj/task/queue": read({ id: "mjQueue", summary: "List the tasks that wait or run" }, queue),
    "GET /mj/task/:id/image-seed": read(
      { id: "mjSeed", summary: "Get the seed of an image", path: ID },
      {
        200: {
          about:
            "Code 1: `result` is the seed. Code 3: the vendor has no seed. Code 9: the look-up at the vendor failed.",
          schema: MjAnswer,
        },
        400: { about: "The task has not succeeded; code 4.", schema: MjAnswer },
        ...MISSING,
      },
    ),
    "GET /mj/image/:id": read(
      {
        id: "mjImage",
        summary: "Redirect to a task's image",
        description: "Needs no key if the operator has made the images of the app public.",
        path: ID,
      },
      {
        302: {
          about: "Redirect to the image.",
          headers: [{ name: "Location", about: "URL of the image.", schema: { type: "string" } }],
        },
        404: refused("The task does not exist or has no image; code 3.", "not_found"),
      },
    ),
    "GET /mj/account/list": {
      id: "mjAccounts",
      summary: "List the accounts",
      description: "Always empty: vendor accounts are not shown to apps.",
      key: "mj",
      responses: { 200: { about: "An empty list.", schema: z.array(anyObject) }, ...AUTH_RESPONSES },
      errors: [],
    },
    "GET /mj/account/:id/fetch": {
      id: "mjAccount",
      summary: "Get an account",
      description: "Always null, as for an unknown account.",
      path: { id: "Id of the account." },
      key: "mj",
      responses: { 200: { about: "Always null.", schema: z.nullable(anyObject) }, ...AUTH_RESPONSES },
      errors: [],
    },
    "POST /mj/task/:id/cancel": read(
      {
        id: "mjCancel",
        summary: "Not supported: cancel",
        description: "A task that the vendor may have accepted cannot be canceled here, so the response has code 4.",
        path: ID,
      },
      { 200: { about: "Code 4.", schema: MjAnswer }, ...MISSING },
    ),
  },
} as const satisfies RouteGroup;

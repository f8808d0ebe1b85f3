/** The drop-in facade, described in midjourney-proxy's words (docs/protocol.md 1 to 3). Its errors are its own, not problem+json. */
import { MjAnswer, MjTask } from "@mjflow/core/mj-response";
import * as z from "zod/mini";
import { Action, Change, List, Modal, Root, SimpleChange, Upload } from "../mj-compat/request.ts";
import type { ResponseDescription, RouteDescription, RouteGroup, Schema } from "./route-description.ts";

/** Whatever the verb. */
const AUTH_RESPONSES: Record<number, ResponseDescription> = {
  401: { about: "No valid key; code 9.", schema: MjAnswer },
  403: { about: "The app is disabled; code 9.", schema: MjAnswer },
};
const BODY: Record<number, ResponseDescription> = {
  400: { about: "The body is no JSON; code 4.", schema: MjAnswer },
  413: { about: "The body is larger than 6 MB; code 4.", schema: MjAnswer },
};
const READ: Record<number, ResponseDescription> = {
  500: { about: "Something went wrong here; code 9.", schema: MjAnswer },
  503: { about: "Storage is busy; code 23.", schema: MjAnswer },
};
const MISSING: Record<number, ResponseDescription> = {
  404: { about: "There is no such task; code 3.", schema: MjAnswer },
};

const COMMON = ["state", "notifyHook", "botType", "mode", "accountFilter"];

interface Verb extends Partial<RouteDescription> {
  id: string;
  summary: string;
  body: Schema;
  example: unknown;
}

/** What starts work: HTTP 200 whatever became of it, and the code says the rest. */
function submit(verb: Verb): RouteDescription {
  const about =
    "Code 1 with the task's id as `result`; 3: no vendor or no such task; 4: a field is wrong, and named; 9: failed; 23: busy, come back later; 24: a banned word.";
  return {
    key: "mj",
    answers: { 200: { about, schema: MjAnswer }, ...BODY, ...AUTH_RESPONSES },
    errors: [],
    ...verb,
  };
}

function read(
  verb: Partial<RouteDescription> & { id: string; summary: string },
  answers: Record<number, ResponseDescription>,
) {
  return { key: "mj" as const, answers: { ...answers, ...AUTH_RESPONSES, ...READ }, errors: [], ...verb };
}

/** Documented by one server or another. */
function unsupportedVerb(id: string, summary: string): RouteDescription {
  return {
    id,
    summary,
    description: "No vendor configured here can do that: code 4.",
    key: "mj",
    answers: { 200: { about: "Code 4.", schema: MjAnswer }, ...AUTH_RESPONSES },
    errors: [],
  };
}

const ID = { id: "The 16 digits of a submit's `result`, or a task's id in the native API." };
const task = { 200: { about: "The task.", schema: MjTask }, ...MISSING };
const list = { 200: { about: "Those that exist, newest first.", schema: z.array(MjTask) } };
const ids = { body: List, example: { ids: ["1795219200000123"] } };

export const mjCompat = {
  tag: "Drop-in facade",
  description:
    "The verbs of midjourney-proxy, for apps that already talk to a server of that family: they change their base URL and nothing else. The same verbs are under `/mj-fast/mj`, `/mj-relax/mj` and `/mj-turbo/mj`, the same without the second `/mj`, `/fast/mj`, `/relax/mj` and `/turbo/mj`, and `/v1/mj`; a mode in the address wins over `mode`, and that over `accountFilter.modes`. The key goes into `mj-api-secret`, or into `Authorization`, with or without `Bearer`. Unknown fields are ignored, null and blank mean not given, and ids may be numbers. What starts work answers 200 with a code; what reads has HTTP's own status.",
  routes: {
    "POST /mj/submit/imagine": submit({
      id: "mjImagine",
      summary: "Draw a picture from a prompt",
      body: Root,
      requestSchema: ["prompt", "base64Array", "base64", ...COMMON],
      needs: ["prompt"],
      example: { prompt: "a paper boat on calm water", state: "order 7" },
    }),
    "POST /mj/submit/blend": submit({
      id: "mjBlend",
      summary: "Blend two to five pictures",
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
      summary: "Describe a picture",
      description: "As `base64`, or as `link`. The text comes as the task's `prompt` and `properties.finalPrompt`.",
      body: Root,
      requestSchema: ["base64", "link", ...COMMON],
      example: { link: "https://example.com/boat.png" },
    }),
    "POST /mj/submit/shorten": submit({
      id: "mjShorten",
      summary: "Shorten a prompt",
      description: "The text comes as the task's `properties.finalPrompt`.",
      body: Root,
      requestSchema: ["prompt", ...COMMON],
      needs: ["prompt"],
      example: { prompt: "a very small paper boat, on water that is calm, in the evening" },
    }),
    "POST /mj/insight-face/swap": submit({
      id: "mjSwapFace",
      summary: "Put a face into a picture",
      description: "Each as `…Base64` or as `…Url`.",
      body: Root,
      requestSchema: ["sourceBase64", "sourceUrl", "targetBase64", "targetUrl", ...COMMON],
      example: { sourceUrl: "https://example.com/face.png", targetUrl: "https://example.com/boat.png" },
    }),
    "POST /mj/submit/action": submit({
      id: "mjAction",
      summary: "Press a button",
      description:
        "`customId` is one of the finished task's `buttons`. Code 21 where the button opens a window: answer the new id with `submit/modal`, at once if you like. The same request again within 10 seconds is the same press.",
      body: Action,
      requestSchema: ["taskId", "customId", "prompt", "maskBase64", ...COMMON],
      example: { taskId: "1795219200000123", customId: "MJ::JOB::upsample::1::…" },
    }),
    "POST /mj/submit/change": submit({
      id: "mjChange",
      summary: "Press a button by its number",
      description: "`index` for all but `REROLL`.",
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
      summary: "Answer a window",
      description: "Before it opens or after; once.",
      body: Modal,
      example: { taskId: "1795219200000456", prompt: "the same boat at night" },
    }),
    "POST /mj/submit/upload-discord-images": submit({
      id: "mjUpload",
      summary: "Upload pictures to the vendor",
      description: "No task comes of it: `result` is the vendor's links.",
      body: Upload,
      needs: ["base64Array"],
      example: { base64Array: ["data:image/png;base64,iVBORw0KGgo="] },
    }),
    "GET /mj/task/:id/fetch": read({ id: "mjFetch", summary: "Read a task", path: ID }, task),
    "GET /mj/query/task/:id": read({ id: "mjQuery", summary: "Read a task, as some vendors spell it", path: ID }, task),
    "POST /mj/task/list-by-condition": read(
      { id: "mjListByCondition", summary: "Read several tasks", description: "At most 1,000.", ...ids },
      { ...list, ...BODY },
    ),
    "POST /mj/task/list-by-ids": read(
      {
        id: "mjListByIds",
        summary: "Read several tasks, as trueai-org spells it",
        description: "At most 1,000.",
        ...ids,
      },
      { ...list, ...BODY },
    ),
    "GET /mj/task/list": read({ id: "mjList", summary: "Read the latest 100 tasks" }, list),
    "GET /mj/task/queue": read({ id: "mjQueue", summary: "Read the tasks that wait for their turn" }, list),
    "GET /mj/task/:id/image-seed": read(
      { id: "mjSeed", summary: "Read a picture's seed", path: ID },
      {
        200: { about: "Code 1 with the seed as `result`; 3 or 9 where the vendor has none to tell.", schema: MjAnswer },
        400: { about: "The task has not succeeded; code 4.", schema: MjAnswer },
        ...MISSING,
      },
    ),
    "GET /mj/image/:id": read(
      { id: "mjImage", summary: "Follow to a task's picture", path: ID },
      {
        302: {
          about: "Where it is.",
          headers: [{ name: "Location", about: "The picture.", schema: { type: "string" } }],
        },
        404: { about: "There is no such task, or it has no picture; code 3.", schema: MjAnswer },
      },
    ),
    "POST /mj/task/:id/cancel": read(
      {
        id: "mjCancel",
        summary: "Not done: cancel",
        description: "A task the vendor may have is not taken back here: code 4.",
        path: ID,
      },
      { 200: { about: "Code 4.", schema: MjAnswer }, ...MISSING },
    ),
    "POST /mj/submit/video": unsupportedVerb("mjVideo", "Not done: videos"),
    "POST /mj/submit/edits": unsupportedVerb("mjEdits", "Not done: edits"),
    "POST /mj/submit/edit": unsupportedVerb("mjEdit", "Not done: edit"),
    "POST /mj/submit/retexture": unsupportedVerb("mjRetexture", "Not done: retexture"),
  },
} as const satisfies RouteGroup;

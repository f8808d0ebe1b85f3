/**
 * Schemas of the requests that apps send. The routes validate with them, and the OpenAPI document is generated from
 * them. The schemas use zod/mini, because it adds 4 ms to the cold start of every function that imports core. Full zod
 * adds 21.
 */
import * as z from "zod/mini";
import { SHARE } from "./access-token.ts";
import { ArchiveMode } from "./archive-mode.ts";
import { readImageData } from "./data-uri.ts";
import { EVENT_TYPES } from "./event.ts";
import { INPUT_NAMES, INPUT_TYPES } from "./image-type.ts";
import { BANNED, MAX_RUNNING, REQUEST } from "./limit.ts";
import { MARK_LIMIT } from "./mark.ts";
import { modeFlagOf } from "./prompt.ts";
import { ROOT_ACTIONS } from "./root-action.ts";
import { isUploadId, UPLOAD } from "./upload.ts";

const encoder = new TextEncoder();
/** Text with a lone surrogate is not valid Unicode. The table stores UTF-8 and would return a different character. */
const wellFormed = z.refine<string>((value) => value.isWellFormed(), { error: "must be well-formed Unicode" });
const text = (max: number) => z.string().check(z.minLength(1), z.maxLength(max), wellFormed);
/** Brings a data URI into its plain form. The id of an upload is accepted, too. @param isLinkAllowed true: the text may also be an http(s) link */
const imageData = (isLinkAllowed: boolean, expected: string): z.core.CheckFn<string> => {
  return (payload) => {
    const { value } = payload;
    const data = readImageData(value);
    const problem = "problem" in data ? `: ${data.problem}` : "";
    if (isUploadId(value)) return;
    if ("uri" in data && data.uri !== undefined) payload.value = data.uri;
    else if (!isLinkAllowed || problem !== "" || !isHttpUrl(value)) {
      payload.issues.push({ code: "custom", input: value, message: `must be ${expected}${problem}` });
    }
  };
};
export const ImageText = z
  .string()
  .check(z.minLength(1), imageData(true, "a data URI of an image, an http(s) link, or the id of an upload"));
export const MaskText = z
  .string()
  .check(
    imageData(false, "a data URI of a PNG, or the id of an upload; white areas are regenerated, black areas are kept"),
  );
export const HttpUrl = text(REQUEST.urlLength).check(
  z.refine(isHttpUrl, { error: "must be an http(s) URL without user name and password" }),
);
const prompt = text(REQUEST.promptBytes);

export const ModalInput = z.strictObject({
  prompt: z.optional(prompt),
  maskBase64: z.optional(MaskText),
});
export type ModalInput = z.infer<typeof ModalInput>;

const press = text(200);

export const EventName = z.enum(EVENT_TYPES);
const eventList = z.array(EventName).check(z.minLength(1), z.maxLength(EVENT_TYPES.length));

/** One node of a plan. `prompt` is a short form of `modal.prompt`. */
export const PlanInput = z.strictObject({
  press: z.union([press, z.array(press).check(z.minLength(1), z.maxLength(20))], {
    // For a text and a list, the issue of this alternative says more.
    error: ({ input }) =>
      typeof input === "string" || Array.isArray(input)
        ? undefined
        : "must be a button's label or name, or a list of them",
  }),
  prompt: z.optional(prompt),
  modal: z.optional(ModalInput),
  get then() {
    return z.optional(z.array(PlanInput).check(z.maxLength(REQUEST.planPresses)));
  },
});
export type PlanInput = z.infer<typeof PlanInput>;

/**
 * Restricts which of the vendor's own Midjourney accounts may execute the task, as gitaigc and trueai-org document it.
 * Vendors behind new-api drop the filter unless their operator has enabled it.
 */
export const AccountFilter = z.strictObject({
  channelId: z.optional(text(100)),
  instanceId: z.optional(text(100)),
  modes: z.optional(z.array(z.enum(["RELAX", "FAST", "TURBO"])).check(z.maxLength(3))),
  remark: z.optional(text(200)),
  remix: z.optional(z.boolean()),
  nijiRemix: z.optional(z.boolean()),
  remixAutoConsidered: z.optional(z.boolean()),
});
export type AccountFilter = z.infer<typeof AccountFilter>;

/** What a video is made with, in addition to its images and its prompt. */
export const VideoOptions = z.strictObject({
  /** Amount of motion. Unset: `low`. */
  motion: z.optional(z.enum(["low", "high"])),
  /** True: the video ends with its first frame. */
  loop: z.optional(z.boolean()),
  /** Number of videos. Unset: the vendor's default, which is four. */
  batchSize: z.optional(z.union([z.literal(1), z.literal(2), z.literal(4)], { error: "must be 1, 2 or 4" })),
  /** The vendor's name of the video model and its resolution, for example `vid_1.1_i2v_720`. */
  videoType: z.optional(
    z.string().check(z.regex(/^vid_[\w.]{1,60}$/, { error: "must be a name such as vid_1.1_i2v_480" })),
  ),
});
export type VideoOptions = z.infer<typeof VideoOptions>;

/** The actions to which a field belongs, if it does not belong to all. */
const FIELD_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  image: ["video", "edit", "retexture"],
  endImage: ["video"],
  motion: ["video"],
  loop: ["video"],
  batchSize: ["video"],
  videoType: ["video"],
  maskBase64: ["edit"],
};
/** Actions that have `image` instead of `base64Array`. */
const ONE_IMAGE = new Set<string>(FIELD_ACTIONS["image"]);

/** `canceled`: the cancellation ended at least one task. */
export const FLOW_STATUSES = ["running", "completed", "failed", "canceled"] as const;

const flowFields = {
  action: z.optional(z.enum(ROOT_ACTIONS)),
  /** Id of a configured provider. "auto": any suitable provider with a free slot. Unset: the deployment's default. */
  provider: z.optional(text(40)),
  prompt: z.optional(prompt),
  mode: z.optional(z.enum(["fast", "relax", "turbo"])),
  botType: z.optional(z.enum(["MID_JOURNEY", "NIJI_JOURNEY"])),
  base64Array: z.optional(z.array(ImageText).check(z.maxLength(REQUEST.images))),
  dimensions: z.optional(z.enum(["PORTRAIT", "SQUARE", "LANDSCAPE"])),
  sourceBase64: z.optional(ImageText),
  targetBase64: z.optional(ImageText),
  /** The first frame of a video, or the image to edit or to retexture. */
  image: z.optional(ImageText),
  /** The last frame of a video. */
  endImage: z.optional(ImageText),
  /** The region to edit. */
  maskBase64: z.optional(MaskText),
  ...VideoOptions.shape,
  accountFilter: z.optional(AccountFilter),
  state: z.optional(
    z.string().check(
      z.refine((value) => encoder.encode(value).length <= REQUEST.stateBytes, {
        error: `must be at most ${REQUEST.stateBytes} bytes of UTF-8`,
      }),
      wellFormed,
    ),
  ),
  notifyHook: z.optional(HttpUrl),
  /** Event types that `notifyHook` receives. Unset: all except progress. */
  events: z.optional(eventList),
  /**
   * Archive the images in our bucket, where they do not expire. `later`: the success is sent at once with the vendor's
   * links, and `task.archived` tells the copies. Unset: the app's default, or the deployment's.
   */
  archive: z.optional(ArchiveMode),
  /**
   * Store progress, so that it can be shown. Costs one write for each report with new progress (about ten per task).
   */
  progress: z.optional(z.boolean()),
  /** Whether an unclear submission is sent again after its grace period, or never. Unset: `after-grace`. */
  resubmit: z.optional(z.enum(["after-grace", "never"])),
  /**
   * What happens when the vendor refuses permanently or is removed. `end` (default): unfinished tasks fail.
   * `restart`: a root that was not accepted moves to another account. If the root has an image, its branches cannot
   * move, so a new flow with the same plan starts at another account.
   */
  onVendorLoss: z.optional(z.enum(["end", "restart"])),
  then: z.optional(z.array(PlanInput).check(z.maxLength(REQUEST.planPresses))),
  /** Name of a template of the app. Its plan is the plan of the flow. */
  template: z.optional(text(60)),
  /**
   * What happens to groups in braces, as in `a {red, blue} boat`. `expand`: mjflow makes one flow of each prompt that they
   * stand for. `send` (default): the prompt goes to the vendor as it is.
   */
  permutations: z.optional(z.enum(["expand", "send"])),
  /**
   * True: the words of all prompts are translated into English before the flow is stored. Unset: the default of the app, which
   * is false unless the operator has set it.
   */
  translate: z.optional(z.boolean()),
};

/** One flow: the body of `POST /v1/flows` without `batch`, and each item of a batch. */
export const FlowRequest = z.strictObject(flowFields).check(checkFlow);
export type FlowRequest = z.infer<typeof FlowRequest>;

/**
 * `POST /v1/flows`. With `batch` the other fields are the defaults of its items. Each item is validated by itself, so that a
 * wrong one does not stop the others.
 */
export const CreateRequest = z
  .strictObject({
    ...flowFields,
    batch: z.optional(z.array(z.looseObject({})).check(z.minLength(1), z.maxLength(REQUEST.batchFlows))),
  })
  .check((ctx) => {
    if (ctx.value.batch === undefined) checkFlow(ctx);
  });
export type CreateRequest = z.infer<typeof CreateRequest>;

type FlowFields = z.infer<z.ZodMiniObject<typeof flowFields>>;

/** Checks what the fields need of each other. */
function checkFlow(ctx: { value: FlowFields; issues: z.core.$ZodRawIssue[] }): void {
  const { action = "imagine", prompt, base64Array = [], sourceBase64, targetBase64 } = ctx.value;
  const { image, endImage, loop, mode, accountFilter } = ctx.value;
  const addIssue = (field: string, message: string) =>
    ctx.issues.push({ code: "custom", input: ctx.value, path: [field], message });
  if (ctx.value.template !== undefined && ctx.value.then !== undefined)
    addIssue("template", "must not be set together with then: a template is a plan");
  if ((action === "imagine" || action === "shorten") && !prompt?.trim()) addIssue("prompt", "is required");
  if (action === "blend" && (base64Array.length < 2 || base64Array.length > 5)) {
    addIssue("base64Array", "must contain 2 to 5 images for blend");
  }
  if (action === "describe" && base64Array.length !== 1)
    addIssue("base64Array", "must contain exactly one image for describe");
  if (action === "swap-face" && !sourceBase64) addIssue("sourceBase64", "is required");
  if (action === "swap-face" && !targetBase64) addIssue("targetBase64", "is required");
  for (const [field, actions] of Object.entries(FIELD_ACTIONS)) {
    const isSet = (ctx.value as Record<string, unknown>)[field] !== undefined;
    if (isSet && !actions.includes(action))
      addIssue(field, `is not a field of ${action}, but of ${actions.join(", ")}`);
  }
  if (!ONE_IMAGE.has(action)) return;
  if (!image) addIssue("image", "is required");
  if (base64Array.length > 0) addIssue("base64Array", `is not a field of ${action}; use image`);
  if (action !== "video" && !prompt?.trim()) addIssue("prompt", "is required");
  if (loop && endImage) addIssue("loop", "must not be true with an endImage: a loop ends with its first frame");
  const onlyTurbo = accountFilter?.modes?.length === 1 && accountFilter.modes[0] === "TURBO";
  if (action === "video" && (modeFlagOf(prompt) ?? mode ?? (onlyTurbo ? "turbo" : undefined)) === "turbo") {
    addIssue("mode", "must not be turbo: Midjourney makes videos only in fast and relax mode");
  }
}

/**
 * `POST /v1/flows/{id}/rerun`: the fields of a flow that change; null removes a field. The request is validated as a whole,
 * with the fields that stay.
 */
export const RerunRequest = z.looseObject({});

/** `PUT /v1/templates/{name}` */
export const TemplateRequest = z.strictObject({
  description: z.optional(text(200)),
  then: z.array(PlanInput).check(z.minLength(1), z.maxLength(REQUEST.planPresses)),
});
export type TemplateRequest = z.infer<typeof TemplateRequest>;

/** `POST /v1/tasks/{id}/actions` */
export const ActionRequest = z
  .strictObject({
    press: z.optional(press),
    customId: z.optional(text(300)),
    prompt: z.optional(prompt),
    modal: z.optional(ModalInput),
    then: z.optional(z.array(PlanInput).check(z.maxLength(REQUEST.planPresses))),
    /** As in a flow. */
    translate: z.optional(z.boolean()),
  })
  .check((ctx) => {
    if ((ctx.value.press === undefined) === (ctx.value.customId === undefined)) {
      ctx.issues.push({
        code: "custom",
        input: ctx.value,
        path: ["press"],
        message: "must be set if customId is not set, and only then",
      });
    }
  });
export type ActionRequest = z.infer<typeof ActionRequest>;

/** `POST /v1/tasks/{id}/modal` */
export const ModalRequest = z.extend(ModalInput, { translate: z.optional(z.boolean()) });
export type ModalRequest = z.infer<typeof ModalRequest>;

/** `POST /v1/uploads` */
export const UploadRequest = z.strictObject({
  contentType: z.enum(INPUT_TYPES, { error: `must be the type of a ${INPUT_NAMES}: ${INPUT_TYPES.join(", ")}` }),
  /** Exact size of the image. The presigned URL accepts no other. */
  bytes: z.int().check(z.minimum(1), z.maximum(UPLOAD.bytes)),
});
export type UploadRequest = z.infer<typeof UploadRequest>;

/** `?limit=&cursor=` of a list. */
export const PageQuery = z.strictObject({
  limit: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(100)), 20),
  cursor: z.optional(text(200)),
});

const time = z.iso.datetime({ offset: true });
const limit = z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(100)), 20);
const cursor = z.optional(text(400));

/** `POST /v1/endpoints` */
export const EndpointRequest = z.strictObject({
  url: HttpUrl,
  events: z.optional(eventList),
  scheme: z.optional(z.enum(["v1", "v1a"])),
  description: z.optional(text(200)),
});
export type EndpointRequest = z.infer<typeof EndpointRequest>;

/** `PATCH /v1/endpoints/{id}`. Null resets a field to its default. */
export const EndpointPatch = z.strictObject({
  url: z.optional(HttpUrl),
  events: z.optional(z.nullable(eventList)),
  description: z.optional(z.nullable(text(200))),
  enabled: z.optional(z.boolean()),
});

/** `POST /v1/endpoints/{id}/rotate` */
export const RotateRequest = z.strictObject({
  overlapS: z.optional(z.int().check(z.minimum(0), z.maximum(30 * 24 * 3_600))),
});

/** `POST /v1/endpoints/{id}/replay` */
export const ReplayRequest = z.strictObject({
  since: z.optional(time),
  until: z.optional(time),
  only: z.optional(z.enum(["failed", "all"])),
});

/** The API key of a vendor account, which is sent as a header. */
const apiKey = z
  .string()
  .check(z.minLength(1), z.maxLength(1_000), z.regex(/^[!-~]+$/, { error: "must be visible ASCII characters" }));
const weight = z.number().check(z.minimum(0), z.maximum(1_000));
const maxRunning = z.int().check(z.minimum(1), z.maximum(MAX_RUNNING));

/** `POST /v1/providers/{id}/accounts/{name}` */
export const AccountRequest = z.strictObject({
  baseUrl: HttpUrl,
  apiKey,
  weight: z.optional(weight),
  maxRunning: z.optional(maxRunning),
});
export type AccountRequest = z.infer<typeof AccountRequest>;

/** `PATCH /v1/providers/{id}/accounts/{name}`. Null resets a field to the configured value, or to the default. */
export const AccountPatch = z.strictObject({
  baseUrl: z.optional(HttpUrl),
  apiKey: z.optional(apiKey),
  weight: z.optional(z.nullable(weight)),
  maxRunning: z.optional(z.nullable(maxRunning)),
});
export type AccountPatch = z.infer<typeof AccountPatch>;

const bannedWord = text(BANNED.wordLength).check(z.regex(/\S/, { error: "must not be blank" }));

/** `PUT /v1/banned-words` */
export const BannedRequest = z.strictObject({
  words: z.array(bannedWord).check(
    z.maxLength(BANNED.words),
    z.refine((words) => encoder.encode(words.join()).length <= BANNED.bytes, {
      error: `must be at most ${BANNED.bytes} bytes of UTF-8 in total`,
    }),
  ),
});

/** `GET /v1/deliveries` */
export const DeliveryListQuery = z.strictObject({
  endpoint: z.optional(text(60)),
  event: z.optional(EventName),
  flow: z.optional(text(60)),
  status: z.optional(z.enum(["pending", "delivered", "failed", "parked"])),
  since: z.optional(time),
  until: z.optional(time),
  limit,
  cursor,
});

/** `GET /v1/flows?status=&state=&provider=&since=&until=&limit=&cursor=` */
export const FlowListQuery = z.strictObject({
  status: z.optional(z.enum(FLOW_STATUSES)),
  /** The exact value of the app's own string. */
  state: z.optional(z.string().check(z.maxLength(REQUEST.stateBytes))),
  provider: z.optional(text(40)),
  /** Range of the creation time, both limits included. */
  since: z.optional(time),
  until: z.optional(time),
  /** True: each entry has the counts of its tasks, its cost and a picture. It costs a query for each flow. */
  details: z.optional(z.enum(["true", "false"])),
  limit,
  cursor,
});
export type FlowListQuery = z.infer<typeof FlowListQuery>;

/** `GET /v1/pictures?flow=&action=&video=&favorite=&folder=&since=&until=&app=&limit=&cursor=` */
export const PictureListQuery = z.strictObject({
  flow: z.optional(text(60)),
  /** Action of the task in the vendor protocol. */
  action: z.optional(text(40)),
  video: z.optional(z.enum(["true", "false"], { error: "must be true or false" })),
  /** Only favorites, or only pictures of a folder. Both: favorites of the folder. */
  favorite: z.optional(z.literal("true", { error: "must be true" })),
  folder: z.optional(text(60)),
  /** Range of the creation time of the flows, both limits included. */
  since: z.optional(time),
  until: z.optional(time),
  /** Only for the operator. Unset: the app of the key. */
  app: z.optional(text(100)),
  limit,
  cursor,
});

// ── marks of pictures ─────────────────────────────────────────────────────────────────────────────────────────────────

const pictureId = text(REQUEST.pathLength + 60);

/** `PATCH /v1/pictures` */
export const MarkRequest = z
  .strictObject({
    pictures: z.array(pictureId).check(z.minLength(1), z.maxLength(MARK_LIMIT.picturesPerRequest)),
    favorite: z.optional(z.boolean()),
    addToFolder: z.optional(text(60)),
    removeFromFolder: z.optional(text(60)),
  })
  .check((ctx) => {
    const { favorite, addToFolder, removeFromFolder } = ctx.value;
    if (favorite !== undefined || addToFolder !== undefined || removeFromFolder !== undefined) return;
    const message = "is required, or addToFolder, or removeFromFolder";
    ctx.issues.push({ code: "custom", message, input: ctx.value, path: ["favorite"] });
  });
export type MarkRequest = z.infer<typeof MarkRequest>;

/** `POST /v1/folders` and `PATCH /v1/folders/{id}` */
export const FolderRequest = z.strictObject({
  name: text(MARK_LIMIT.nameLength).check(z.refine((value) => value.trim() !== "", { error: "must not be blank" })),
});
export type FolderRequest = z.infer<typeof FolderRequest>;

export function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  return /^https?:$/.test(url.protocol) && !url.username && !url.password;
}

// ── sessions and share links ──────────────────────────────────────────────────────────────────────────────────────────

const label = z.optional(text(80));

/** `POST /v1/sessions` and `POST /v1/sign-in` */
export const SessionRequest = z.strictObject({
  as: z._default(z.enum(["token", "cookie"]), "token"),
  stay: z._default(z.boolean(), false),
  label,
});
export type SessionRequest = z.infer<typeof SessionRequest>;

/** `POST /v1/sign-in-links` */
export const SignInLinkRequest = z.strictObject({ label });
export type SignInLinkRequest = z.infer<typeof SignInLinkRequest>;

/** `POST /v1/flows/{id}/shares` */
export const ShareRequest = z
  .strictObject({
    expiresInS: z._default(z.int().check(z.minimum(SHARE.minS), z.maximum(SHARE.maxS)), SHARE.defaultS),
    showsPrompt: z._default(z.boolean(), true),
    showsVendorLinks: z._default(z.boolean(), false),
    label,
  })
  .check(
    // Many vendors write words of the prompt into the name of the file.
    z.refine(({ showsPrompt, showsVendorLinks }) => showsPrompt || !showsVendorLinks, {
      path: ["showsVendorLinks"],
      error: "must be false without the prompt: links of vendors can contain words of it",
    }),
  );
export type ShareRequest = z.infer<typeof ShareRequest>;

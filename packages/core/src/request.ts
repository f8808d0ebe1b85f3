/**
 * What apps send, as schemas: the routes validate with them and the API's description is made from them. zod/mini,
 * because core is on the hot path of every function that imports it (mini costs 4 ms of cold start, full zod 21).
 */
import * as z from "zod/mini";
import { EVENT_TYPES } from "./event.ts";
import { BANNED, MAX_RUNNING, REQUEST } from "./limit.ts";

const encoder = new TextEncoder();
/** A lone surrogate is no Unicode text: stored as UTF-8 it would come back as another character. */
const wellFormed = z.refine<string>((value) => value.isWellFormed(), { error: "must be well-formed Unicode" });
const text = (max: number) => z.string().check(z.minLength(1), z.maxLength(max), wellFormed);
const image = z.string().check(
  z.minLength(1),
  z.refine((value) => /^data:image\/[\w.+-]+;base64,[A-Za-z0-9+/=\s]+$/.test(value) || isHttpUrl(value), {
    error: "must be a data URI of an image, or an http(s) link",
  }),
);
const mask = z.string().check(
  z.refine((value) => /^data:image\/[\w.+-]+;base64,[A-Za-z0-9+/=\s]+$/.test(value), {
    error: "must be a data URI of a PNG: white is drawn anew, black is kept",
  }),
);
const prompt = text(REQUEST.promptBytes);

export const ModalInput = z.strictObject({
  prompt: z.optional(prompt),
  maskBase64: z.optional(mask),
});
export type ModalInput = z.infer<typeof ModalInput>;

const press = text(200);

export const EventName = z.enum(EVENT_TYPES);
const eventList = z.array(EventName).check(z.minLength(1), z.maxLength(EVENT_TYPES.length));

/** One step of a plan. `prompt` is short for `modal.prompt`. */
export const PlanInput = z.strictObject({
  press: z.union([press, z.array(press).check(z.minLength(1), z.maxLength(20))], {
    error: "must be a button's label or name, or a list of them",
  }),
  prompt: z.optional(prompt),
  modal: z.optional(ModalInput),
  get then() {
    return z.optional(z.array(PlanInput).check(z.maxLength(REQUEST.planPresses)));
  },
});
export type PlanInput = z.infer<typeof PlanInput>;

/**
 * Which of the vendor's accounts may take the task, as gitaigc and trueai-org document it. Vendors behind new-api drop
 * it unless their operator enabled it.
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

export const ROOT_ACTIONS = ["imagine", "blend", "describe", "shorten", "swap-face"] as const;

/** `canceled`: called off, and something was spared by it. */
export const FLOW_STATUSES = ["running", "completed", "failed", "canceled"] as const;

/** `POST /v1/flows` */
export const FlowRequest = z
  .strictObject({
    action: z.optional(z.enum(ROOT_ACTIONS)),
    /** A configured vendor's id; "auto": whichever can and has room; unset: as the stage has it. */
    provider: z.optional(text(40)),
    prompt: z.optional(prompt),
    mode: z.optional(z.enum(["fast", "relax", "turbo"])),
    botType: z.optional(z.enum(["MID_JOURNEY", "NIJI_JOURNEY"])),
    base64Array: z.optional(z.array(image).check(z.maxLength(REQUEST.images))),
    dimensions: z.optional(z.enum(["PORTRAIT", "SQUARE", "LANDSCAPE"])),
    sourceBase64: z.optional(image),
    targetBase64: z.optional(image),
    accountFilter: z.optional(AccountFilter),
    state: z.optional(
      z.string().check(
        z.refine((value) => encoder.encode(value).length <= REQUEST.stateBytes, {
          error: `must be at most ${REQUEST.stateBytes} bytes of UTF-8`,
        }),
        wellFormed,
      ),
    ),
    notifyHook: z.optional(
      text(REQUEST.urlLength).check(z.refine(isHttpUrl, { error: "must be an http(s) address without credentials" })),
    ),
    /** Which events notifyHook hears; without it all but progress. */
    events: z.optional(eventList),
    /** Copy the pictures to our own bucket, where they do not expire; unset: as the stage has it. */
    archive: z.optional(z.boolean()),
    /** Store progress as it comes, for showing it; costs one write for each step of ten percent. */
    progress: z.optional(z.boolean()),
    /** After a submission whose answer was lost: send it again once its grace has passed, or never. */
    resubmit: z.optional(z.enum(["after-grace", "never"])),
    /**
     * When the vendor refuses for good, or is removed: what it had not finished ends, or is begun anew elsewhere. A root that
     * was not taken goes on at another account; a flow with a picture, whose branches cannot go on, is drawn once more.
     */
    onVendorLoss: z.optional(z.enum(["end", "restart"])),
    then: z.optional(z.array(PlanInput).check(z.maxLength(REQUEST.planPresses))),
  })
  .check((ctx) => {
    const { action = "imagine", prompt, base64Array = [], sourceBase64, targetBase64 } = ctx.value;
    const lacks = (field: string, message: string) =>
      ctx.issues.push({ code: "custom", input: ctx.value, path: [field], message });
    if ((action === "imagine" || action === "shorten") && !prompt?.trim()) lacks("prompt", "is required");
    if (action === "blend" && (base64Array.length < 2 || base64Array.length > 5)) {
      lacks("base64Array", "blend takes 2 to 5 images");
    }
    if (action === "describe" && base64Array.length !== 1) lacks("base64Array", "describe takes one image");
    if (action === "swap-face" && !sourceBase64) lacks("sourceBase64", "is required");
    if (action === "swap-face" && !targetBase64) lacks("targetBase64", "is required");
  });
export type FlowRequest = z.infer<typeof FlowRequest>;

/** `POST /v1/tasks/{id}/actions` */
export const ActionRequest = z
  .strictObject({
    press: z.optional(press),
    customId: z.optional(text(300)),
    prompt: z.optional(prompt),
    modal: z.optional(ModalInput),
    then: z.optional(z.array(PlanInput).check(z.maxLength(REQUEST.planPresses))),
  })
  .check((ctx) => {
    if ((ctx.value.press === undefined) === (ctx.value.customId === undefined)) {
      ctx.issues.push({ code: "custom", input: ctx.value, path: ["press"], message: "give either press or customId" });
    }
  });
export type ActionRequest = z.infer<typeof ActionRequest>;

/** `POST /v1/tasks/{id}/modal` */
export const ModalRequest = ModalInput;

/** `?limit=&cursor=` of a listing. */
export const PageQuery = z.strictObject({
  limit: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(100)), 20),
  cursor: z.optional(text(200)),
});

const httpUrl = text(REQUEST.urlLength).check(
  z.refine(isHttpUrl, { error: "must be an http(s) address without credentials" }),
);
const time = z.iso.datetime({ offset: true });
const limit = z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(100)), 20);
const cursor = z.optional(text(400));

/** `POST /v1/endpoints` */
export const EndpointRequest = z.strictObject({
  url: httpUrl,
  events: z.optional(eventList),
  scheme: z.optional(z.enum(["v1", "v1a"])),
  description: z.optional(text(200)),
});
export type EndpointRequest = z.infer<typeof EndpointRequest>;

/** `PATCH /v1/endpoints/{id}`: null sets back to the default. */
export const EndpointPatch = z.strictObject({
  url: z.optional(httpUrl),
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
  cursor,
});

/** An account's key becomes a header. */
const apiKey = z.string().check(
  z.minLength(1),
  z.maxLength(1_000),
  z.refine((value) => /^[!-~]+$/.test(value), { error: "must be visible ASCII characters" }),
);
const weight = z.number().check(z.minimum(0), z.maximum(1_000));
const maxRunning = z.int().check(z.minimum(1), z.maximum(MAX_RUNNING));

/** `POST /v1/providers/{id}/accounts/{name}` */
export const AccountRequest = z.strictObject({
  baseUrl: httpUrl,
  apiKey,
  weight: z.optional(weight),
  maxRunning: z.optional(maxRunning),
});
export type AccountRequest = z.infer<typeof AccountRequest>;

/** `PATCH /v1/providers/{id}/accounts/{name}`: null sets back to what the configuration says, or to the default. */
export const AccountPatch = z.strictObject({
  baseUrl: z.optional(httpUrl),
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
      error: `must be at most ${BANNED.bytes} bytes of UTF-8 in all`,
    }),
  ),
});

/** `GET /v1/deliveries` */
export const DeliveryListQuery = z.strictObject({
  endpoint: z.optional(text(60)),
  flow: z.optional(text(60)),
  status: z.optional(z.enum(["pending", "delivered", "failed"])),
  since: z.optional(time),
  until: z.optional(time),
  limit,
  cursor,
});

/** `GET /v1/flows?status=&state=&provider=&since=&until=&limit=&cursor=` */
export const FlowListQuery = z.strictObject({
  status: z.optional(z.enum(FLOW_STATUSES)),
  /** The app's own string, whole and exact. */
  state: z.optional(z.string().check(z.maxLength(REQUEST.stateBytes))),
  provider: z.optional(text(40)),
  /** When they were created, both included. */
  since: z.optional(time),
  until: z.optional(time),
  limit,
  cursor,
});
export type FlowListQuery = z.infer<typeof FlowListQuery>;

export function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  return /^https?:$/.test(url.protocol) && !url.username && !url.password;
}

/** True for an object nested no deeper than `max`: asked before zod, whose recursion a hostile body could exhaust. */
export function isShallow(value: unknown, max = 4 * REQUEST.planDepth): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > max) return false;
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
  }
  return true;
}

/** Where a zod issue points, as an app would write it: `then[1].press`. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((at, key) => {
    if (typeof key === "number") return `${at}[${key}]`;
    return at ? `${at}.${String(key)}` : String(key);
  }, "");
}

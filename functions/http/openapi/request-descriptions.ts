/** Words for what apps send. */
import {
  AppPatch,
  AppRequest,
  CreditRequest,
  KeyRequest,
  RotateRequest as KeyRotation,
  UsageQuery,
} from "@mjflow/core/app";
import {
  AccountFilter,
  AccountPatch,
  AccountRequest,
  ActionRequest,
  BannedRequest,
  DeliveryListQuery,
  EndpointPatch,
  EndpointRequest,
  FlowListQuery,
  FlowRequest,
  ModalInput,
  PageQuery,
  PlanInput,
  ReplayRequest,
  RotateRequest,
} from "@mjflow/core/request";
import { describe, describedSchemas, eventDescriptions, type SchemaDescriptions } from "./descriptions.ts";
import { MediaQuery } from "./public-routes.ts";

const PAGE = { limit: "How many to a page.", cursor: "The `nextCursor` of the page before." };
const THEN = "What to press on the result, to any depth: at most 200 presses in all, 32 deep.";
const PRESS_PROMPT = "Short for `modal.prompt`.";
const MODAL = "The answer, should the press open a window.";

const ACCOUNT = {
  baseUrl: "Where the vendor is.",
  apiKey: "The key there.",
  weight: "Its share of new flows, beside the others'; 0: none.",
  maxRunning: "How many of its tasks may run at a time.",
};

export const requestDescriptions: readonly SchemaDescriptions[] = [
  eventDescriptions,
  describe("FlowRequest", FlowRequest, "A plan.", {
    action:
      "Default `imagine`. `imagine` and `shorten` need a `prompt`, `blend` two to five images, `describe` one, `swap-face` a source and a target.",
    provider:
      "Which configured vendor does it all; `auto`: whichever can and has room. A branch stays with it. Default: as the stage has it.",
    prompt: "With the vendor's flags, `--ar 3:2`.",
    mode: "Speed; without it the vendor's default.",
    botType: "Default `MID_JOURNEY`.",
    base64Array: "Images, as data URIs or http(s) links.",
    dimensions: "Of a blend.",
    sourceBase64: "The face, as a data URI or a link.",
    targetBase64: "The picture it goes into, as a data URI or a link.",
    accountFilter: "Which of the vendor's accounts may take it. Vendors behind new-api mostly drop it.",
    state: "Yours, up to 16 KB: comes back byte for byte, and never goes to a vendor.",
    notifyHook: "Where this flow's events are posted, signed by the endpoint `hook`.",
    events: "Which events `notifyHook` hears. Default: all but `task.progress`.",
    archive: "Copy the pictures to mjflow's own bucket, where they do not expire. Default: as the stage has it.",
    progress: "Store progress as it comes, for showing it. Default: as the stage has it.",
    resubmit: "After a submission whose answer was lost: sent again once its grace has passed, or never.",
    onVendorLoss:
      "When the vendor refuses for good, or is removed: `end`, the default, ends what it had not finished; `restart` begins it anew elsewhere.",
    then: THEN,
  }),
  describe("PlanInput", PlanInput, "One step of a plan.", {
    press:
      "A button's label as the vendor shows it (`U1`), or one of mjflow's names (`upscale:1`), or a list of them: one branch each.",
    prompt: PRESS_PROMPT,
    modal: MODAL,
    then: "What to press on the result of this.",
  }),
  describe("ModalInput", ModalInput, "What answers a window.", {
    prompt: "Without it the window's own is kept.",
    maskBase64: "For `vary:region`: a data URI of a PNG as large as the picture; white is drawn anew, black is kept.",
  }),
  describe("AccountFilter", AccountFilter, "As gitaigc and trueai-org document it.", {
    channelId: "The Discord channel.",
    instanceId: "The account.",
    modes: "Speeds the account must offer.",
    remark: "A remark the account must have.",
    remix: "Whether its remix is on.",
    nijiRemix: "Whether its remix for niji is on.",
    remixAutoConsidered: "Whether it answers remix windows by itself.",
  }),
  describe("ActionRequest", ActionRequest, "A press: either `press` or `customId`.", {
    press: "A button's label, or one of mjflow's names.",
    customId: "A button's own id, as the task shows it.",
    prompt: PRESS_PROMPT,
    modal: MODAL,
    then: THEN,
  }),
  describe("EndpointRequest", EndpointRequest, "An address to post to.", {
    url: "https, and reachable from the internet.",
    events: "Which events it hears. Default: all but `task.progress`.",
    scheme: "`v1`: HMAC-SHA256 with a shared secret, the default; `v1a`: ed25519, of which you hold the public key.",
    description: "Yours.",
  }),
  describe("EndpointPatch", EndpointPatch, "What to change; null sets back to the default.", {
    url: "https, and reachable from the internet.",
    events: "Which events it hears.",
    description: "Yours.",
    enabled: "Switched off, it is told nothing; switched on, it starts afresh.",
  }),
  describe("EndpointRotateRequest", RotateRequest, "", {
    overlapS: "For how many seconds the secret before still signs; default a day, at most 30.",
  }),
  describe("ReplayRequest", ReplayRequest, "", {
    since: "From when the events happened.",
    until: "Until when they happened.",
    only: "Default `failed`.",
    cursor: "The `nextCursor` of the call before.",
  }),
  describe("BannedRequest", BannedRequest, "", {
    words: "All of them: at most 3,000, each up to 60 characters. It takes the place of the list before.",
  }),
  describe("AppRequest", AppRequest, "", {
    name: "For people.",
    limits: "What it may do; what is absent does not limit.",
  }),
  describe("AppPatch", AppPatch, "", {
    name: "For people.",
    limits: "All of them anew; null lifts them.",
    disabled: "Its keys open nothing while it is.",
  }),
  describe(
    "LimitsRequest",
    AppRequest.shape.limits.def.innerType,
    "What an app may do; what is absent does not limit.",
    {
      flowsPerMinute: "New flows, as a bucket that fills evenly: a minute's worth may come at once.",
      runningFlows: "Flows that have not ended, at a time.",
      creditsUsd: "What it may spend in all, by mjflow's estimate, besides what is added later.",
    },
  ),
  describe("AccountRequest", AccountRequest, "An account at a vendor's.", ACCOUNT),
  describe("AccountPatch", AccountPatch, "What to change; null sets back to the default.", ACCOUNT),
  describe("CreditRequest", CreditRequest, "", {
    addUsd: "How much, in USD, with at most six decimals.",
    reference: "Yours: the same reference is taken once.",
  }),
  describe("KeyRequest", KeyRequest, "", { expiresInS: "Seconds until it ends; without it, it does not." }),
  describe("KeyRotateRequest", KeyRotation, "", {
    overlapS: "For how many seconds the key before stays valid; default a day, at most 90.",
  }),
  describedSchemas(MediaQuery, { s: "The link's signature." }),
  describedSchemas(FlowListQuery, {
    status: "Only these, as it is recorded.",
    state: "Only those with this string of yours, whole and exact.",
    provider: "Only of this vendor.",
    since: "Created from then on.",
    until: "Created until then.",
    ...PAGE,
  }),
  describedSchemas(PageQuery, PAGE),
  describedSchemas(UsageQuery, { app: "Of which app: for the operator. Default: the key's own." }),
  describedSchemas(DeliveryListQuery, {
    endpoint:
      "An endpoint's id; `hook` for the flows' own `notifyHook`, `mj` for the facade's, `bus` for the event bus.",
    flow: "A flow's id.",
    status: "Only these.",
    since: "Of events that happened from then on.",
    until: "Of events that happened until then.",
    ...PAGE,
  }),
];

/** Descriptions of the request schemas of the native API. */
import {
  AppPatch,
  AppRequest,
  CreditRequest,
  KeyRequest,
  RotateRequest as KeyRotation,
  UsageQuery,
} from "@mjflow/core/app-request";
import type { SchemaDescriptions } from "@mjflow/core/component";
import { pressNameList } from "@mjflow/core/press-name";
import {
  AccountFilter,
  AccountPatch,
  AccountRequest,
  ActionRequest,
  BannedRequest,
  CreateRequest,
  DeliveryListQuery,
  EndpointPatch,
  EndpointRequest,
  FlowListQuery,
  FolderRequest,
  MarkRequest,
  ModalInput,
  ModalRequest,
  PageQuery,
  PictureListQuery,
  PlanInput,
  ReplayRequest,
  RotateRequest,
  SessionRequest,
  ShareRequest,
  SignInLinkRequest,
  TemplateRequest,
  UploadRequest,
} from "@mjflow/core/request";
import { describe, describedSchemas, eventDescriptions } from "./descriptions.ts";
import { MediaQuery } from "./public-routes.ts";

const PAGE = {
  limit: "Number of items per page.",
  cursor: "`nextCursor` of the previous page. Another text gets 400.",
};
const THEN = "Presses on the result, nested to any depth. A plan has at most 200 presses in all and 32 levels.";
const PRESS_PROMPT = "Short form of `modal.prompt`.";
const PRESS_NAMES = `Press names: ${pressNameList()}. An animation of one of several images has its number at the end: \`animate:high:2\`.`;
const MODAL = "The modal answer, used if the button opens a modal.";

const TRANSLATE_PRESS =
  "`true` translates the words of the prompts into English before anything is stored, as in a flow. Default: that of the app.";

const ACCOUNT = {
  baseUrl: "Base URL of the vendor's API.",
  apiKey: "API key of the account at the vendor.",
  weight: "Share of new flows that the account gets, relative to the other accounts. 0: no new flows.",
  maxRunning: "Maximum number of tasks that run at the account at one time.",
};

export const requestDescriptions: readonly SchemaDescriptions[] = [
  eventDescriptions,
  describe("FlowRequest", CreateRequest, "A root action and the plan of presses on its results.", {
    action:
      "Default `imagine`. `imagine` and `shorten` need `prompt`. `blend` needs two to five images, `describe` one image. `swap-face` needs `sourceBase64` and `targetBase64`. `video`, `edit` and `retexture` need `image`, the last two also `prompt`. `GET /v1/providers` shows which provider has which action.",
    provider:
      "Id of a configured provider, or `auto` for any provider that supports the action and has capacity. All tasks of a branch stay at one vendor account. Default: set by the operator.",
    prompt: "The prompt, with Midjourney parameters such as `--ar 3:2`.",
    mode: "Speed. Default: the vendor's default.",
    botType: "Default `MID_JOURNEY`.",
    base64Array: "Input images, as data URIs, http(s) links or ids of uploads.",
    dimensions: "Shape of a blended image.",
    sourceBase64: "Image of the face, as a data URI, an http(s) link or the id of an upload.",
    targetBase64: "Image that gets the face, as a data URI, an http(s) link or the id of an upload.",
    image:
      "The first frame of a video, or the image to edit or to retexture, as a data URI, an http(s) link or the id of an upload. It must be one image: Midjourney animates a grid as a collage of four.",
    endImage:
      "The last frame of a video, as a data URI, an http(s) link or the id of an upload. Not every provider has it.",
    maskBase64:
      "The region of an `edit`, as a data URI of a PNG or the id of an upload: white areas are regenerated, black areas are kept. Not every provider has it.",
    motion: "Amount of motion of a video. Default `low`.",
    loop: "True: the video ends with its first frame. Not every provider has it.",
    batchSize: "Number of videos: 1, 2 or 4. Default: the vendor's default, which is 4. Not every provider has it.",
    videoType:
      "The vendor's name of the video model with its resolution, for example `vid_1.1_i2v_480` or `vid_1.1_i2v_720`. Default: the vendor's default. Not every provider has it.",
    accountFilter:
      "Restricts which of the vendor's Midjourney accounts may run the task. Most vendors based on new-api ignore it.",
    state: "Your own text, up to 16 KB. mjflow returns it unchanged and never sends it to a vendor.",
    notifyHook: "URL that receives the webhooks of this flow. They are signed with the secret of the endpoint `hook`.",
    events: "Events that `notifyHook` receives. Default: all except `task.progress`.",
    archive:
      "`true` copies the result images to mjflow's own bucket, where they do not expire, and `task.completed` has the copies. `later` sends `task.completed` at once with the vendor's links, and `task.archived` with the copies. Default: set by the operator.",
    progress: "Stores the progress of running tasks, so that you can read it. Default: set by the operator.",
    resubmit:
      "What happens after a submission without a clear response. `after-grace`: mjflow submits again when the grace period is over. `never`: it does not submit again.",
    onVendorLoss:
      "What happens if the vendor rejects permanently or is removed. `end` (default): unfinished tasks fail. `restart`: a root that was not accepted moves to another vendor account. If the root has an image, a new flow with the same plan starts at another account (`restartedAs`).",
    then: THEN,
    template: "Name of a template of your app. Its plan is the plan of the flow, so `then` must be absent.",
    permutations:
      "What happens to groups in braces in the prompt, such as `a {red, blue} boat`. `send` (default): the vendor gets the prompt as it is. `expand`: mjflow creates one flow of each prompt that they stand for, at most 40, and responds 207. Groups can be nested. A comma after a backslash is text.",
    translate:
      "`true` translates the words of all prompts into English before the flow is stored, the prompts of `then` too. Links, parameters such as `--ar 3:2`, weights and groups in braces stay as they are. `originalPrompt` shows your prompt beside the translation. A request has at most 20 different prompts for it. If the translation fails twice, the request is rejected with `translation_failed`, and nothing is stored or charged. Default: that of the app, which is `false` unless the operator has set it.",
    batch:
      "Up to 100 flows in one request, each with the fields of this object. The other fields of the request are the defaults of all items. The response is 207 with a result for each flow.",
  }),
  describe("PlanInput", PlanInput, "One step of a plan: a press on the result of the step before.", {
    press: `A button's label as the vendor shows it (\`U1\`), a press name of mjflow, or a list of them. Each item of a list starts its own branch. ${PRESS_NAMES}`,
    prompt: PRESS_PROMPT,
    modal: MODAL,
    then: "Presses on the result of this press.",
  }),
  describe("ModalInput", ModalInput, "A modal answer: the prompt or mask that the vendor waits for.", {
    prompt: "Without it the vendor keeps the prompt that the modal shows.",
    maskBase64:
      "For `vary:region`: data URI of a PNG, or the id of an upload, that is as large as the image. White areas are regenerated, black areas are kept.",
  }),
  describe("ModalRequest", ModalRequest, "A modal answer.", {
    prompt: "Without it the vendor keeps the prompt that the modal shows.",
    maskBase64:
      "For `vary:region`: data URI of a PNG, or the id of an upload, that is as large as the image. White areas are regenerated, black areas are kept.",
    translate: TRANSLATE_PRESS,
  }),
  describe(
    "AccountFilter",
    AccountFilter,
    "Restricts which of the vendor's Midjourney accounts may run a task, as gitaigc and trueai-org document it.",
    {
      channelId: "Discord channel that the account must have.",
      instanceId: "Id of the account.",
      modes: "Speeds that the account must support.",
      remark: "Remark that the account must have.",
      remix: "Whether remix must be on for the account.",
      nijiRemix: "Whether remix for Niji must be on for the account.",
      remixAutoConsidered: "Whether the account must submit remix modals automatically.",
    },
  ),
  describe("TemplateRequest", TemplateRequest, "A plan to store under a name.", {
    description: "Your own description.",
    then: THEN,
  }),
  describe("MarkRequest", MarkRequest, "Pictures, and what changes for all of them. At least one change is required.", {
    pictures: "Ids of pictures: `<taskId>.<number>`. A task id alone means the first picture of the result.",
    favorite: "`true`: the pictures become favorites. `false`: they are no favorites any more.",
    addToFolder: "Id of a folder that gets the pictures.",
    removeFromFolder: "Id of a folder that loses the pictures. The pictures themselves stay.",
  }),
  describe("FolderRequest", FolderRequest, "A name for a folder.", {
    name: "Name of the folder. Space at both ends is removed.",
  }),
  describe("ActionRequest", ActionRequest, "A press. Send either `press` or `customId`.", {
    press: `A button's label, or a press name of mjflow. ${PRESS_NAMES}`,
    customId: "The `customId` of a button, as the task shows it.",
    prompt: PRESS_PROMPT,
    modal: MODAL,
    then: THEN,
    translate: TRANSLATE_PRESS,
  }),
  describe("UploadRequest", UploadRequest, "An image that will be sent to the bucket.", {
    contentType: "Type of the image. The bytes must have this type.",
    bytes: "Exact size of the image in bytes, at most 64 MB.",
  }),
  describe("EndpointRequest", EndpointRequest, "A webhook endpoint.", {
    url: "An https URL that is reachable from the internet.",
    events: "Events that the endpoint receives. Default: all except `task.progress`.",
    scheme:
      "Signature scheme. `v1` (default): HMAC-SHA256 with a shared secret. `v1a`: ed25519; you verify with a public key.",
    description: "Your own description.",
  }),
  describe("EndpointPatch", EndpointPatch, "The fields to change. Null restores the default.", {
    url: "An https URL that is reachable from the internet.",
    events: "Events that the endpoint receives.",
    description: "Your own description.",
    enabled:
      "`false`: the endpoint receives no events. `true`: it receives events again, and earlier failures do not count.",
  }),
  describe("EndpointRotateRequest", RotateRequest, "", {
    overlapS: "Seconds for which the previous secret still signs. Default: one day; at most 30 days.",
  }),
  describe("ReplayRequest", ReplayRequest, "", {
    since: "Start of the time range: when the delivery was created. Default, and at most: 30 days ago.",
    until: "End of the time range: when the delivery was created. Default: now.",
    only: "`failed` (default): only failed deliveries. `all`: every delivery.",
  }),
  describe("BannedRequest", BannedRequest, "", {
    words: "The complete list, which replaces the previous list. At most 3,000 words of up to 60 characters.",
  }),
  describe("AppRequest", AppRequest, "", {
    name: "Name of the app, for people.",
    limits: "Limits of the app. A limit that is absent does not apply.",
    archive: "Default of `archive` for the app's flows. Default: that of the deployment.",
    translate: "Default of `translate` for the app's requests, also for the compat API. Default: `false`.",
    creditCounters:
      "Number of counters that the limits are divided over, for an app with more than 250 new flows per second. It cannot be changed later. Default: 1.",
  }),
  describe("AppPatch", AppPatch, "", {
    name: "Name of the app, for people.",
    limits: "All limits of the app. They replace the previous limits; null removes all of them.",
    archive: "Default of `archive` for the app's flows. null: that of the deployment.",
    translate: "Default of `translate` for the app's requests, also for the compat API.",
    disabled: "While it is true, the API rejects the app's keys with 403.",
  }),
  describe(
    "LimitsRequest",
    AppRequest.shape.limits.def.innerType,
    "Limits of an app. A limit that is absent does not apply.",
    {
      flowsPerMinute: "New flows per minute. A full minute's number may be created at once; it is refilled evenly.",
      runningFlows: "Maximum number of flows that have not ended.",
      creditsUsd:
        "Total amount in USD that the app may spend, by mjflow's estimate. Credit that is added later increases it.",
    },
  ),
  describe("AccountRequest", AccountRequest, "A vendor account.", ACCOUNT),
  describe("AccountPatch", AccountPatch, "The fields to change. Null restores the default.", ACCOUNT),
  describe("CreditRequest", CreditRequest, "", {
    addUsd: "Amount in USD, with at most six decimals.",
    reference: "Your own reference, for example an invoice number. Each reference adds credit only once.",
  }),
  describe("KeyRequest", KeyRequest, "", {
    expiresInS: "Seconds until the key expires. Without it the key does not expire.",
  }),
  describe("SessionRequest", SessionRequest, "", {
    as: "`token`: the response has the token. `cookie`: the response sets it as a cookie, which pages of the API's origin use.",
    stay: "True: the session lasts 30 days, and a cookie stays when the browser is closed. False: 12 hours.",
    label: "Your own name for the session, for example the browser.",
  }),
  describe("SignInLinkRequest", SignInLinkRequest, "", {
    label: "Your own name for the link.",
  }),
  describe("ShareRequest", ShareRequest, "", {
    expiresInS: "Seconds until the link expires. Default: 7 days; at most 30 days.",
    showsPrompt:
      "False: viewers see neither the prompt nor the texts of describe and shorten. Links in prompts are never shown.",
    showsVendorLinks:
      "True: viewers also see the vendor's links of pictures that are not archived. Such a link names the vendor, can contain words of the prompt, and does not end with the share link. It needs `showsPrompt`.",
    label: "Your own name for the link, for example who gets it.",
  }),
  describe("KeyRotateRequest", KeyRotation, "", {
    overlapS: "Seconds for which the previous key stays valid. Default: one day; at most 90 days.",
  }),
  describedSchemas(MediaQuery, {
    s: "Signature of the link.",
    e: "End of the link, in seconds since 1970. Unset: the link does not end by itself.",
  }),
  describedSchemas(FlowListQuery, {
    status:
      "Only flows with this recorded status. A flow that a press or a retry reopened is `running` if its app has a limit of credit or of running flows. Otherwise it keeps the status of its end; read the flow itself.",
    state: "Only flows with exactly this `state`.",
    provider: "Only flows at this provider.",
    since: "Only flows created at this time or later.",
    until: "Only flows created at this time or earlier.",
    details:
      "`true`: each entry has the counts of its tasks, its cost and a picture. This costs a query for each flow.",
    ...PAGE,
  }),
  describedSchemas(PictureListQuery, {
    flow: "Only pictures of this flow.",
    action: "Only results of this action: `IMAGINE`, `UPSCALE`, `VARIATION`, `VIDEO`, `TILE`, …",
    video: "`true`: only results with a video. `false`: only results without one.",
    favorite: "`true`: only results with a favorite.",
    folder: "Id of a folder: only results with a picture in it. With `favorite` only favorites of the folder.",
    since: "Only flows created at this time or later.",
    until: "Only flows created at this time or earlier.",
    app: "Id of the app, only for the operator. Default: the app of the key.",
    ...PAGE,
  }),
  describedSchemas(PageQuery, PAGE),
  describedSchemas(UsageQuery, { app: "Id of the app, only for the operator. Default: the app of the key." }),
  describedSchemas(DeliveryListQuery, {
    endpoint:
      "Id of a webhook endpoint, or `hook` for the flows' `notifyHook`, `mj` for the `notifyHook` of the compat API, `bus` for the event bus.",
    event: "Only deliveries of this event type.",
    flow: "Only deliveries of this flow.",
    status: "Only deliveries with this status.",
    since: "Only events that happened at this time or later.",
    until: "Only events that happened at this time or earlier.",
    ...PAGE,
  }),
];

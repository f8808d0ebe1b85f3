/** What the pages of errors say beside `ERRORS`: when the error comes, and how a program deals with it. */
import type { ErrorCode } from "@mjflow/core/error";

interface Note {
  /** When the API returns the error. */
  cause: string;
  /** What a person or program does. */
  remedy: string;
  /** Documents with more, as paths of the site with their titles. */
  see?: Readonly<Record<string, string>>;
}

export const ERROR_NOTES: Readonly<Record<ErrorCode, Note>> = {
  invalid_request: {
    cause:
      "A field is missing, has a wrong type, is too long, or is not known. Unknown fields are rejected, so a misspelt field is noticed. A combination that no vendor can make is also invalid.",
    remedy:
      "Read `errors`: it lists up to 20 fields, each with what is wrong. `field` is the first of them, as a path such as `then[1].press`. Correct them and send the request again. Nothing was stored or charged.",
    see: { "/flows#create-a-flow": "Fields of a flow", "/limits": "Limits" },
  },
  invalid_json: {
    cause:
      "The body cannot be parsed. Typical causes are a trailing comma, single quotes, or quotes that the shell removed.",
    remedy:
      "Let a library write the JSON. In a shell put the body in single quotes, or read it from a file with `-d @body.json`.",
  },
  unauthorized: {
    cause:
      "`reason` says what is wrong with the key: `missing`, `malformed`, `unknown`, `revoked` or `expired`. A new or revoked key can take 30 seconds until all functions know it.",
    remedy:
      "Send `Authorization: Bearer <key>`. Compare the key with the one that was shown when it was created. If it was revoked or has expired, ask the operator for another one.",
    see: { "/apps": "Apps, keys and limits" },
  },
  forbidden: {
    cause: "The route needs the operator key, or the app of the key is disabled.",
    remedy:
      "Use the operator key for requests about apps, vendors, queues and dead letters. A disabled app can be enabled by the operator.",
    see: { "/apps": "Apps, keys and limits" },
  },
  not_found: {
    cause:
      "No resource with this id is visible for the key. An app sees only its own flows, tasks, endpoints and deliveries.",
    remedy: "Check the id and the key. Ids have a prefix: `flow_…`, `task_…`, `ep_…`, `dlv_…`.",
  },
  route_not_found: {
    cause: "The path or the method does not exist. `detail` names the nearest route.",
    remedy: "Compare the path with the API reference. A base URL that already ends with `/v1` gives `/v1/v1/…`.",
    see: { "/reference/": "API reference" },
  },
  share_not_found: {
    cause:
      "The share link has expired or was revoked, its flow was deleted, its app was disabled, or the link was not copied as a whole. The response does not say which, because a stranger may hold the link.",
    remedy:
      "Ask the person who sent you the link for a new one. The app can create one with `POST /v1/flows/{id}/shares`.",
    see: { "/share-links": "Share links" },
  },
  no_stream_here: {
    cause: "In a deployment another function serves the event streams. The path of the API has none.",
    remedy: "Open the URL in `eventsUrl` of the flow unchanged. If it is null, read the flow after `nextInMs`.",
    see: { "/webhooks#stream": "Streams" },
  },
  method_not_allowed: {
    cause: "The path exists, but not with this method.",
    remedy: "Use one of the methods in the header `Allow`.",
  },
  wrong_state: {
    cause:
      "The resource cannot do this now. Examples: a press on a task that has not succeeded, a modal answer for a task without modal, or the cancellation of an ended flow.",
    remedy:
      "Read the resource again. `detail` names its state. For presses, send the plan with the flow: mjflow presses when the task has succeeded.",
    see: { "/flows#task-statuses": "Task statuses" },
  },
  limit_reached: {
    cause:
      "A number of resources is limited, for example 20 webhook endpoints or 50 keys of an app, or the depth of presses on one image.",
    remedy: "Delete one that is not used any more. `detail` names the limit.",
    see: { "/limits": "Limits and prices" },
  },
  already_exists: {
    cause: "A vendor account with this name exists.",
    remedy: "Change the existing account with `PATCH`, or choose another name.",
    see: { "/vendors#several-accounts": "Several accounts" },
  },
  write_conflict: {
    cause:
      "Another request changed the same resource between the read and the write of this one. mjflow tried several times.",
    remedy: "Read the resource and repeat the request.",
  },
  out_of_credit: {
    cause:
      "The credit of the app does not cover the estimated price of the whole plan. mjflow starts nothing that it could not pay.",
    remedy:
      "Compare `estimatedUsd` with `balanceUsd`. Send a smaller plan, wait until running flows release their hold, or ask the operator for credit.",
    see: { "/apps#limits": "Credit", "/limits#prices": "Prices" },
  },
  idempotency_in_flight: {
    cause:
      "The first request with this `Idempotency-Key` has not finished. This happens if a client repeats a request before its timeout.",
    remedy:
      "Wait for the time in `Retry-After` and send the same request again. It then returns the flow or task of the first request.",
    see: { "/flows#repeat-a-request-safely": "Repeat a request safely" },
  },
  too_large: {
    cause: "The body has more than 6 MB. Images as data URIs are a third larger than the files.",
    remedy: "Send links to images. If the vendor needs data URIs, make the images smaller.",
    see: { "/limits": "Limits" },
  },
  unsupported_media_type: {
    cause: "`Content-Type` is missing, or it is not JSON. Forms are not accepted.",
    remedy: "Send `Content-Type: application/json`.",
  },
  image_rejected: {
    cause:
      "An image of the request cannot be used. `field` names it, and `reason` says why. An upload was never sent or belongs to another app (`not_sent`), or it is older than 7 days (`expired`). The format is not PNG, JPEG, WebP or GIF (`wrong_type`). The image is too large for a vendor that takes no links, and it cannot be scaled down (`too_large`). It must be scaled down, and it cannot be decoded (`broken`). A link fails (`gone`, `forbidden`, `unavailable`).",
    remedy:
      "Convert a HEIC to a JPEG. Send large images to a vendor that takes links: `providers` names them. Only `unavailable` can succeed later. Nothing was stored or charged.",
    see: { "/flows#images-of-requests": "Images of requests" },
  },
  press_not_offered: {
    cause:
      "The task has succeeded, but it has no button that fits the press. An upscaled image, for example, has no `U1`.",
    remedy:
      "Choose one of the buttons in `offered`. In a plan the branch ends with the failure code of the same name, and `failure.offered` has the list.",
    see: { "/flows#press-names": "Press names" },
  },
  press_unsupported: {
    cause:
      "The plan has a press that the vendor can never make, whatever the image is. The request is refused before anything is paid.",
    remedy:
      'Leave the press out, or choose one of `providers`. With `"provider": "auto"` only vendors that can make the whole plan are chosen.',
    see: { "/vendors#abilities": "Abilities of the vendors" },
  },
  idempotency_mismatch: {
    cause: "The `Idempotency-Key` belongs to a request with another body, path or app of the last 24 hours.",
    remedy:
      "Use one key for one piece of work: for example the id of your order. Send exactly the same body when you repeat it.",
    see: { "/flows#repeat-a-request-safely": "Repeat a request safely" },
  },
  rate_limited: {
    cause: "The app has started as many flows in this minute as its limit `flowsPerMinute` allows.",
    remedy:
      "Wait for the time in `Retry-After`. The header `RateLimit` says how many flows are left. The TypeScript client waits by itself.",
    see: { "/apps#limits": "Limits of an app" },
  },
  too_many_presses: {
    cause: "Presses of the app in running flows are not settled yet, and the counter of the credit has room for 128.",
    remedy: "Wait for the time in `Retry-After`. Send presses as part of the plan: they need no entry of their own.",
    see: { "/apps#limits": "Limits of an app" },
  },
  too_many_flows: {
    cause: "As many flows of the app are running as its limit `runningFlows` allows.",
    remedy: "Wait until a flow has ended. A webhook `flow.completed` says when.",
    see: { "/apps#limits": "Limits of an app", "/webhooks": "Webhooks" },
  },
  too_many_uploads: {
    cause:
      "The app has announced as many uploads in this hour as it may. Announced uploads count, whether they are sent or not.",
    remedy:
      "Wait for the time in `Retry-After`, or name an upload that you have sent in several requests: its id is valid for 7 days.",
    see: { "/flows#images-of-requests": "Images of requests", "/limits": "Limits" },
  },
  too_many_streams: {
    cause:
      "Each open event stream and each held request uses an execution of a deployment, so their number is limited.",
    remedy: "Read the flow after `nextInMs`, or use webhooks. Close streams of flows that have ended.",
    see: { "/limits": "Limits", "/webhooks": "Webhooks" },
  },
  too_many_reads: {
    cause: "One share link was read more than 300 times in a minute.",
    remedy: "Wait for the time in `Retry-After`. Read a running flow after `nextInMs`, and send `If-None-Match`.",
    see: { "/share-links": "Share links" },
  },
  banned_prompt: {
    cause:
      "The prompt contains a word that the operator has banned. The vendor was not called and nothing was charged.",
    remedy:
      "Remove the word in `bannedWord`. The moderation of a vendor is another check: it ends the task with the failure code of the same name.",
    see: { "/vendors#banned-words": "Banned words", "/failures": "Failure codes" },
  },
  translation_unavailable: {
    cause: "The request or its app asks for a translation, and the operator of this deployment has set no translator.",
    remedy: "Send `translate: false` and an English prompt, or ask the operator to set `MJFLOW_TRANSLATE_URL`.",
    see: { "/translation": "Translate prompts" },
  },
  translation_failed: {
    cause:
      "The translator did not respond in time, responded with an error, or its result cannot be used: for example it has a parameter. mjflow tried twice.",
    remedy:
      "Send the same request again after `Retry-After`, with the same `Idempotency-Key`. If it lasts, send `translate: false`, or ask the operator to read the log.",
    see: { "/translation": "Translate prompts" },
  },
  overloaded: {
    cause:
      "The table throttles, the disk of a local server is full, or one app starts more flows than its credit counter can record.",
    remedy:
      "Send the same request again after `Retry-After`, with the same `Idempotency-Key`. If it lasts, the operator reads the alarms.",
    see: { "/operations": "Operations", "/local-server#full-disks": "Full disks" },
  },
  internal: {
    cause: "A bug of mjflow. The log has the details under the request id.",
    remedy:
      "Send the request again, with an `Idempotency-Key` if it starts paid work. If it fails again, report `requestId`.",
  },
};

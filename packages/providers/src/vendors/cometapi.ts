import { ALL_OPERATIONS, dialect } from "../dialect.ts";

/**
 * imagine and action have string results; blend, modal and describe have integer results. Only the page of blend documents
 * `notifyHook`, so mjflow observes whether callbacks come.
 */
export const cometapi = dialect({
  id: "cometapi",
  title: "CometAPI",
  sources: [
    "apidoc.cometapi.com/api/image/midjourney: imagine, action, modal, blend, describe, fetch-single-task",
    "apidoc.cometapi.com/api/image/midjourney: submit-video, submit-editor",
    "apidoc.cometapi.com/guides/error-codes-and-retry-strategy",
  ],
  operations: [...ALL_OPERATIONS, "video", "edit"],
  // The pages document neither an end image nor a number of videos. Its clients send `maskBase64` with an edit, and an older
  // guide has `videoType`.
  optionalFields: ["videoType", "maskBase64"],
  // It is derived from new-api, whose parser knows no customId for animations.
  videoBy: "submit",
  notifyHook: "unknown",
  // The page of action documents it.
  remix: "enableRemix",
});

import { dialect } from "../dialect.ts";

/**
 * imagine and action have string results; blend, modal and describe have integer results. Only the page of blend documents
 * `notifyHook`, so mjflow observes whether callbacks come.
 */
export const cometapi = dialect({
  id: "cometapi",
  title: "CometAPI",
  sources: [
    "apidoc.cometapi.com/api/image/midjourney: imagine, action, modal, blend, describe, fetch-single-task",
    "apidoc.cometapi.com/guides/error-codes-and-retry-strategy",
  ],
  notifyHook: "unknown",
});

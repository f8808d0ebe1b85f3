import { dialect } from "../dialect.ts";

/**
 * String results on imagine and action, integers on blend, modal and describe; `notifyHook` stands on the blend page
 * only, so whether it calls back is learned.
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

import { defineDialect, MODE_PREFIXES, type Verb } from "../dialect.ts";

const ORIGIN_VERBS: Verb[] = [
  "imagine",
  "change",
  "simple-change",
  "blend",
  "describe",
  "fetch",
  "list-by-condition",
  "list",
  "queue",
];

/**
 * Self-hosted midjourney-proxy: plus by default, its origin as variant `novicezk`, a port with other words as `webman`. The variant has no action, no modal
 * and no buttons, and rejects image links (docs/protocol.md 1.2, 1.3, 3.1).
 */
export const midjourneyProxy = defineDialect({
  id: "midjourney-proxy",
  verbs: [...ORIGIN_VERBS, "query", "action", "modal", "shorten", "swap-face", "upload", "image-seed", "cancel"],
  prefixes: MODE_PREFIXES,
  auth: { headers: ["mj-api-secret"], optional: false },
  variants: {
    novicezk: {
      verbs: new Set(ORIGIN_VERBS),
      prefixes: ["/mj"],
      shape: "novicezk",
      callbackShape: "novicezk",
      reads: { notifyHook: true, state: true, accountFilter: false, enableRemix: false, links: false },
      // DescribeSuccessHandler sets all three fields.
      describeTexts: ["prompt", "promptEn"],
    },
    // webman-php/midjourney-proxy.
    webman: { statusWords: { IN_PROGRESS: "RUNNING", SUCCESS: "FINISHED", FAILURE: "FAILED" } },
  },
});

import { dialect } from "../dialect.ts";

/**
 * Self-hosted: novicezk, the origin of the protocol (change and simple-change, no buttons), and plus (action, modal,
 * buttons). Which of the two it is shows in its finished tasks, so both are spoken. Older novicezk answers 21 for "exists".
 */
export const midjourneyProxy = dialect({
  id: "midjourney-proxy",
  title: "midjourney-proxy (novicezk, plus)",
  sources: [
    "github.com/novicezk/midjourney-proxy 0be95a9",
    "github.com/litter-coder/midjourney-proxy-plus cd7ca8f docs/api.md",
  ],
  auth: "mj-api-secret",
  // Path prefixes exist at some plus deployments only; the prompt's flag works at all of them.
  mode: "prompt",
  links: false,
  code21: "shape",
  change: "change",
});

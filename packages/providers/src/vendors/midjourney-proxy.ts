import { dialect } from "../dialect.ts";

/**
 * Self-hosted: novicezk, the origin of the protocol (change and simple-change, no buttons), and plus (action, modal,
 * buttons). Which of the two it is shows in its finished tasks, so both are spoken. Older novicezk answers 21 for "exists".
 * A task is stored, with its `state`, before its submission is answered. novicezk lists all of them, newest first, without
 * end or page; plus has pages besides.
 */
export const midjourneyProxy = dialect({
  id: "midjourney-proxy",
  title: "midjourney-proxy (novicezk, plus)",
  sources: [
    "github.com/novicezk/midjourney-proxy 0be95a9",
    "github.com/litter-coder/midjourney-proxy-plus cd7ca8f docs/api.md",
    "plus's own API pages as published by its hosts: apifox.com/apidoc/shared/984acdde-d3da-4577-942f-c63aa5ad71fc/api-192273909 (POST /task/query), openai-hub.com/api/midjourney/get.html (GET /task/list)",
  ],
  auth: "mj-api-secret",
  // Path prefixes exist at some plus deployments only; the prompt's flag works at all of them.
  mode: "prompt",
  links: false,
  code21: "shape",
  change: "change",
  search: ["query", "recent"],
});

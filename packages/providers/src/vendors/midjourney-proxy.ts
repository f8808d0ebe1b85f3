import { dialect } from "../dialect.ts";

/**
 * Self-hosted servers: novicezk, the origin of the protocol (change and simple-change, no buttons), and plus (action,
 * modal, buttons). Only a finished task shows which of the two it is, so this dialect supports both. Older versions of
 * novicezk return 21 for "exists". The server stores a task with its `state` before it responds to the submission.
 * novicezk lists all tasks, newest first, in one response without limit; plus also has pages.
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
  // The mode is a flag in the prompt, which works everywhere. Only some plus servers have path prefixes for it.
  mode: "prompt",
  links: false,
  // plus presses all buttons except "Imagine all" and the heart (docs/protocol.md 4.7). novicezk has no buttons.
  unsupportedPresses: ["describe:all"],
  code21: "shape",
  change: true,
  search: ["query", "recent"],
  remix: "accountFilter",
});

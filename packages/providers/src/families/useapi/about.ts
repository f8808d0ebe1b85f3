/** useapi.net v3 in words: for the generated tables, and in no bundle. */
import type { About } from "../../family.ts";

export const about: About = {
  sources: [
    "useapi.net/docs/api-midjourney-v3: imagine, button, blend, get-midjourney-jobs-jobid, SSE guide, what's new",
    "useapi.net/docs/api-v2",
    "github.com/useapi/midjourney-api-client (v1): bodies of errors",
  ],
  wire: {
    paths: "/v3/midjourney",
    key: "`Authorization: Bearer …`",
    mode: "as a flag in the prompt of an imagine; otherwise the account's mode",
    presses: "the parent's `jobId` and a label of its `buttons`",
  },
  unproven: {
    describe:
      "The name of the field for a link is not certain (`imageUrl`). If it is wrong, the vendor rejects the request unpaid.",
  },
};

/** Legnext in words: for the generated tables, and in no bundle. */
import type { About } from "../../family.ts";

export const about: About = {
  sources: [
    "github.com/legnext-ai/sdks: openapi, and the vendor's own test results (2026-01)",
    "docs.legnext.ai",
    "pypi.org/project/legnext 0.3.0",
    "github.com/leggiemint/Legnext-frontend: the vendor's own receiver of callbacks",
    "github.com/legnext-ai/n8n-nodes-legnext",
  ],
  wire: {
    paths: "/api/v1",
    key: "`x-api-key`",
    mode: "`--turbo` in the prompt; fast is the default",
    presses: "the parent's `jobId`, the number of the picture, and a verb of its own path",
  },
  unproven: {},
};

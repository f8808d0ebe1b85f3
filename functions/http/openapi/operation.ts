/** Descriptions of `/v1/queues`, `/v1/overdue`, `/v1/unclear` and `/v1/vault/reseal`. */
import { PageQuery } from "@mjflow/core/request";
import { Overdue, QueueDepth, ReencryptResult, Unclear, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, type RouteGroup } from "./route-description.ts";

export const operations = {
  tag: "Operations",
  description:
    "For the operator: waiting and overdue work. Every response needs a limited number of reads, however large the deployment is, so you can poll every 30 seconds.",
  routes: {
    "GET /v1/queues": {
      id: "listQueues",
      summary: "Get queue depths",
      description: "The numbers are approximate. A change can take a minute to show.",
      key: "operator",
      responses: { 200: { about: "All queues; the dead-letter queue is last.", schema: wholeOf(QueueDepth) } },
      errors: AUTH_ERRORS,
    },
    "GET /v1/overdue": {
      id: "getOverdue",
      summary: "Get overdue work",
      description:
        "Counts tasks whose callback did not come in time, and flows and deliveries whose next step is due. The sweeper handles them each minute. If work is older than that, the sweeper cannot keep up.",
      key: "operator",
      responses: { 200: { about: "The number of overdue items and the oldest one.", schema: Overdue } },
      errors: AUTH_ERRORS,
    },
    "GET /v1/unclear": {
      id: "listUnclear",
      summary: "List unclear submissions",
      description:
        "Lists tasks whose submission got no clear response, so the vendor may or may not have them. Returns at most 50 tasks of all apps, the next one to be resolved first.",
      key: "operator",
      responses: { 200: { about: "The tasks found.", schema: Unclear } },
      errors: AUTH_ERRORS,
    },
    "POST /v1/vault/reseal": {
      id: "resealVault",
      summary: "Re-encrypt all secrets with the newest vault key",
      description:
        "Call this after a rotation of the vault key. It encrypts all signing secrets and vendor keys with the newest key, so that you can remove the previous key. The secrets themselves do not change. Each call handles `limit` apps: call again with `nextCursor` until it is null. Secrets that use the newest key already are not changed.",
      key: "operator",
      query: PageQuery,
      responses: { 200: { about: "Progress of the re-encryption.", schema: ReencryptResult } },
      errors: [...AUTH_ERRORS, "invalid_request"],
    },
  },
} as const satisfies RouteGroup;

/** Descriptions of the routes of share links. */
import { ShareRequest } from "@mjflow/core/request";
import { NewShare, Share, SharedFlow, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, ETAG, IF_NONE_MATCH, RETRY_AFTER, type RouteGroup } from "./route-description.ts";

export const shares = {
  tag: "Share links",
  description:
    "A share link shows one flow to people without a key: read-only, until it expires or is revoked. They see the status, the tasks with their press names, the pictures, and the prompt by choice. They never see `state`, vendors, accounts, costs, webhooks or reasons of failures. Archived pictures are shown. Links of vendors are shown only by choice.",
  routes: {
    "POST /v1/flows/:id/shares": {
      id: "createShare",
      summary: "Create a share link",
      description:
        "Only this response contains the secret. A flow has at most 20 share links that have not expired. A link also ends when its flow is deleted or no longer stored.",
      path: { id: "Id of the flow." },
      body: ShareRequest,
      example: { expiresInS: 86_400, showsPrompt: false, label: "for the customer" },
      responses: { 201: { about: "The share link.", schema: NewShare } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "limit_reached"],
    },
    "GET /v1/flows/:id/shares": {
      id: "listShares",
      summary: "List share links",
      description: "Returns the share links of a flow that have not expired, newest first.",
      path: { id: "Id of the flow." },
      responses: { 200: { about: "All share links, without their secrets.", schema: wholeOf(Share) } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "DELETE /v1/flows/:id/shares/:shareId": {
      id: "revokeShare",
      summary: "Revoke a share link",
      description:
        "The next read of the link gets 404. Links to pictures that a viewer has already loaded work for up to an hour.",
      path: { id: "Id of the flow.", shareId: "Id of the share link." },
      responses: { 204: { about: "The link does not work any more." } },
      errors: [...AUTH_ERRORS, "not_found", "write_conflict"],
    },
    "GET /v1/shared": {
      id: "getShared",
      key: "share",
      summary: "Read a shared flow",
      description:
        "Send the secret of the share link (`mjv_…`) as the key of this request. The links to archived pictures end within an hour: read again for new ones. A link that does not work gets `share_not_found`, whatever the reason is. A link can be read 300 times in a minute.",
      headers: [IF_NONE_MATCH],
      responses: {
        200: { about: "What the viewer of the link sees.", schema: SharedFlow, headers: [ETAG, RETRY_AFTER] },
        304: { about: "Nothing has changed since the `ETag` of the request.", headers: [ETAG, RETRY_AFTER] },
      },
      errors: ["unauthorized", "share_not_found", "too_many_reads", "overloaded", "internal"],
    },
  },
} as const satisfies RouteGroup;

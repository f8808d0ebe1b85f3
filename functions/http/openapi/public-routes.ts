/** Descriptions of the routes that need no API key. */
import { ApiIndex, Health } from "@mjflow/core/response";
import * as z from "zod/mini";
import { ETAG, type Header, IF_NONE_MATCH, type RouteDescription, type RouteGroup } from "./route-description.ts";

const CACHED: Header = { name: "Cache-Control", about: "Allows caching for some minutes.", schema: { type: "string" } };

const TO_IMAGE = {
  302: {
    about: "Redirect to a URL that is valid for some minutes.",
    headers: [
      { name: "Location", about: "Signed URL of the image.", schema: { type: "string" }, required: true },
      CACHED,
    ],
  },
} as const satisfies RouteDescription["responses"];

/** The query of `/media/…`, which `media.ts` reads. */
export const MediaQuery = z.strictObject({ s: z.string(), e: z.optional(z.string()) });

/** One of the three formats of the API reference. */
function page(id: string, summary: string, type: string, description?: string) {
  return {
    id,
    summary,
    ...(description !== undefined && { description }),
    key: "none" as const,
    headers: [IF_NONE_MATCH],
    responses: {
      200: { about: "The document.", type, headers: [CACHED, ETAG] },
      304: { about: "The document has not changed.", headers: [CACHED, ETAG] },
    },
    errors: [] as const,
  };
}

export const publicRoutes = {
  tag: "Public",
  description: "Routes that need no API key.",
  routes: {
    "GET /": {
      id: "index",
      summary: "Get the API index",
      key: "none",
      responses: { 200: { about: "Paths of the API and its reference.", schema: ApiIndex } },
      errors: [],
    },
    "GET /healthz": {
      id: "health",
      summary: "Health check",
      description: "The check writes a small row to the table, at most once in 10 seconds for each process.",
      key: "none",
      responses: { 200: { about: "The API responds, and its table can be written.", schema: Health } },
      errors: ["overloaded", "internal"],
    },
    "GET /openapi.json": page("openapi", "Get the OpenAPI document", "application/json"),
    "GET /docs": page(
      "docs",
      "Documentation (HTML)",
      "text/html",
      "The local server has the whole documentation here. A deployment has the API reference.",
    ),
    "GET /docs/api": page("reference", "API reference (HTML)", "text/html"),
    "GET /docs/errors/:code": {
      id: "error-page",
      summary: "Page of an error code",
      description: "The `type` of a problem is such a URL.",
      key: "none",
      path: { code: "Error code, for example `invalid_request`." },
      responses: {
        302: {
          about: "Redirect to the error in the API reference. The local server has a page about the error here.",
          headers: [
            { name: "Location", about: "URL of the reference.", schema: { type: "string" }, required: true },
            CACHED,
          ],
        },
      },
      errors: ["not_found"],
    },
    "GET /llms.txt": page("llms", "API reference (text)", "text/plain"),
    "GET /uploads/:app/:id/:file": {
      id: "uploadLink",
      summary: "Redirect to an upload",
      description: "Vendors fetch the uploads of a request from such a link. The link is signed, so no key is needed.",
      key: "none",
      path: {
        app: "Id of the app.",
        id: "Id of the upload.",
        file: "Signature of the link, with the ending of the image.",
      },
      responses: TO_IMAGE,
      errors: ["not_found", "internal"],
    },
    "GET /media/:key{.+}": {
      id: "media",
      summary: "Redirect to an archived image",
      description:
        "The `url` of a copy is such a link. The link is signed, so no key is needed. It works as long as the copy is stored. The links in a shared flow end within an hour.",
      key: "none",
      path: { key: "Key of the image, as it is in the link." },
      query: MediaQuery,
      responses: TO_IMAGE,
      errors: ["not_found", "internal"],
    },
  },
} as const satisfies RouteGroup;

/** Description of `/v1/uploads`. */
import { UploadRequest } from "@mjflow/core/request";
import { Upload } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, type RouteGroup } from "./route-description.ts";

export const uploads = {
  tag: "Uploads",
  description:
    "A request has at most 6 MB. Send larger images to the bucket yourself. Then use the id of the upload wherever a request takes an image. mjflow checks type and size before anything is paid.",
  routes: {
    "POST /v1/uploads": {
      id: "createUpload",
      summary: "Create an upload",
      description:
        "Returns a presigned URL. Send one `PUT` with exactly `bytes` bytes and the header in `headers` before `expiresAt`. Then use the id as an image in new requests of this app, for 7 days. Another app gets `image_rejected`. An app can announce 1000 uploads with together 10 GB in an hour.",
      body: UploadRequest,
      example: { contentType: "image/png", bytes: 41_943_040 },
      responses: { 201: { about: "The upload.", schema: Upload } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "too_many_uploads"],
    },
  },
} as const satisfies RouteGroup;

/** Description of `/v1/pictures`. */
import { PictureListQuery } from "@mjflow/core/request";
import { Picture, pageOf } from "@mjflow/core/response";
import { AUTH_ERRORS, type RouteGroup } from "./route-description.ts";

export const pictures = {
  tag: "Pictures",
  description: "The results of all flows of an app in one list: images, videos and tiles.",
  routes: {
    "GET /v1/pictures": {
      id: "listPictures",
      summary: "List pictures",
      description:
        "Returns tasks that ended with an image or a video. The newest flows come first, and in each flow the newest results. A page can be short or empty and still have a `nextCursor`, because one call reads at most 100 flows.",
      query: PictureListQuery,
      responses: { 200: { about: "A page of pictures.", schema: pageOf(Picture) } },
      errors: [...AUTH_ERRORS, "invalid_request", "not_found"],
    },
  },
} as const satisfies RouteGroup;

/** Descriptions of the routes under `/v1/pictures`. */
import { MarkRequest, PictureListQuery } from "@mjflow/core/request";
import { MarkResult, Picture, pageOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, type RouteGroup } from "./route-description.ts";

const ID = {
  id: "Id of the picture: `<taskId>.<number>`, with the number of the picture in its result from 1. A task id alone means the first picture.",
};

export const pictures = {
  tag: "Pictures",
  description:
    "The results of all flows of an app in one list: images, videos and tiles. Single pictures can be favorites, and they can be in folders.",
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
    "PATCH /v1/pictures": {
      id: "markPictures",
      summary: "Mark pictures",
      description:
        "Makes pictures favorites, adds them to a folder or removes them from it. At most 100 pictures in one request. A repeated request changes nothing more. Pictures that do not exist are in `missing`, and the others are changed. If a picture would be in more than 10 folders, nothing is changed. Marks are gone when their flow expires or is deleted.",
      body: MarkRequest,
      example: { pictures: ["task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0.3"], favorite: true },
      responses: { 200: { about: "What was changed.", schema: MarkResult } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "limit_reached"],
    },
    "PUT /v1/pictures/:id/favorite": {
      id: "addFavorite",
      summary: "Make a picture a favorite",
      path: ID,
      responses: { 204: { about: "The picture is a favorite." } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "DELETE /v1/pictures/:id/favorite": {
      id: "removeFavorite",
      summary: "Make a picture no favorite any more",
      path: ID,
      responses: { 204: { about: "The picture is no favorite." } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
  },
} as const satisfies RouteGroup;

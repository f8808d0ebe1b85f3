/** Descriptions of the routes under `/v1/folders`. */
import { FolderRequest } from "@mjflow/core/request";
import { Folder, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, LOCATION, type RouteGroup } from "./route-description.ts";

const ID = { id: "Id of the folder." };

export const folders = {
  tag: "Folders",
  description:
    "A folder is a named list of pictures. A picture can be in at most 10 folders. `PATCH /v1/pictures` adds pictures to a folder and removes them. `GET /v1/pictures?folder=…` lists them.",
  routes: {
    "GET /v1/folders": {
      id: "listFolders",
      summary: "List folders",
      responses: { 200: { about: "All folders, the oldest first.", schema: wholeOf(Folder) } },
      errors: AUTH_ERRORS,
    },
    "POST /v1/folders": {
      id: "createFolder",
      summary: "Create a folder",
      description:
        "Creates a folder with this name. If the app has a folder with the same name, you get the existing one. An app can have at most 100 folders.",
      body: FolderRequest,
      example: { name: "Posters" },
      responses: {
        200: { about: "The app has this folder already.", schema: Folder, headers: [LOCATION] },
        201: { about: "The folder is new.", schema: Folder, headers: [LOCATION] },
      },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "limit_reached", "write_conflict"],
    },
    "PATCH /v1/folders/:id": {
      id: "renameFolder",
      summary: "Rename a folder",
      path: ID,
      body: FolderRequest,
      example: { name: "Posters of May" },
      responses: { 200: { about: "The renamed folder.", schema: Folder } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "already_exists", "write_conflict"],
    },
    "DELETE /v1/folders/:id": {
      id: "deleteFolder",
      summary: "Delete a folder",
      description: "The pictures of the folder stay. They are only in no list of this folder any more.",
      path: ID,
      responses: { 204: { about: "The folder is deleted." } },
      errors: [...AUTH_ERRORS, "not_found", "write_conflict"],
    },
  },
} as const satisfies RouteGroup;

/** Descriptions of the routes under `/v1/templates`. */
import { TemplateRequest } from "@mjflow/core/request";
import { Template, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, LOCATION, type RouteGroup } from "./route-description.ts";

const NAME = { name: "Name of the template: 1 to 60 letters, digits, dots, underscores or hyphens." };

export const templates = {
  tag: "Templates",
  description:
    "A template is a plan that your app stores under a name. A flow that names it in `template` gets the plan as it is at that time. A later change of the template changes no existing flow.",
  routes: {
    "GET /v1/templates": {
      id: "listTemplates",
      summary: "List templates",
      responses: { 200: { about: "All templates, by name.", schema: wholeOf(Template) } },
      errors: AUTH_ERRORS,
    },
    "GET /v1/templates/:name": {
      id: "getTemplate",
      summary: "Get a template",
      path: NAME,
      responses: { 200: { about: "The template.", schema: Template } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "PUT /v1/templates/:name": {
      id: "putTemplate",
      summary: "Store a template",
      description:
        "Stores the plan under the name, or replaces the stored one. An app can have at most 100 templates. Masks cannot be part of a template, because a mask belongs to one image. Which presses a vendor can make is checked when a flow uses the template.",
      path: NAME,
      body: TemplateRequest,
      example: { description: "all four upscales", then: [{ press: "upscale:all" }] },
      responses: {
        200: { about: "The template was replaced.", schema: Template, headers: [LOCATION] },
        201: { about: "The template is new.", schema: Template, headers: [LOCATION] },
      },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "limit_reached", "write_conflict"],
    },
    "DELETE /v1/templates/:name": {
      id: "deleteTemplate",
      summary: "Delete a template",
      description: "Flows that used the template do not change.",
      path: NAME,
      responses: { 204: { about: "The template is deleted." } },
      errors: [...AUTH_ERRORS, "not_found", "write_conflict"],
    },
  },
} as const satisfies RouteGroup;

/** `/v1/providers`, described. */
import { AccountPatch, AccountRequest } from "@mjflow/core/request";
import { Account, Provider, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, LOCATION, type RouteGroup } from "./route-description.ts";

const path = { id: "A vendor's id.", name: "The account's name: 1 to 40 letters, digits, `_` or `-`." };

export const providers = {
  tag: "Providers",
  description:
    "The vendors of the stage, and the accounts there that pay. New flows go to one of a vendor's accounts, by weight; a branch stays with its own. A change takes effect within 30 seconds.",
  routes: {
    "GET /v1/providers": {
      id: "listProviders",
      summary: "List vendors",
      description: "With what each can do, and what was learned of its accounts.",
      answers: { 200: { about: "All of them.", schema: wholeOf(Provider) } },
      errors: AUTH_ERRORS,
    },
    "POST /v1/providers/:id/accounts/:name": {
      id: "addAccount",
      summary: "Add an account at a vendor's",
      description: "Its key is stored sealed and never shown again.",
      key: "operator",
      path,
      body: AccountRequest,
      example: { baseUrl: "https://api.example.com", apiKey: "sk-your-key", weight: 2, maxRunning: 12 },
      answers: { 201: { about: "The account.", schema: Account, headers: [LOCATION] } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "conflict"],
    },
    "PATCH /v1/providers/:id/accounts/:name": {
      id: "updateAccount",
      summary: "Change an account",
      description: "What is named is changed; null sets back to what the configuration says. Weight 0: no new flows.",
      key: "operator",
      path,
      body: AccountPatch,
      example: { weight: 0 },
      answers: { 200: { about: "The account.", schema: Account } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found"],
    },
    "DELETE /v1/providers/:id/accounts/:name": {
      id: "removeAccount",
      summary: "Remove an account",
      key: "operator",
      path,
      answers: { 204: { about: "It is gone." } },
      errors: [...AUTH_ERRORS, "not_found", "conflict"],
    },
  },
} as const satisfies RouteGroup;

/** Descriptions of the routes under `/v1/providers`. */
import { AccountPatch, AccountRequest } from "@mjflow/core/request";
import { Account, AccountTest, Provider, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, LOCATION, type RouteGroup } from "./route-description.ts";

const path = { id: "Id of the provider.", name: "Name of the account: 1 to 40 letters, digits, `_` or `-`." };

export const providers = {
  tag: "Providers",
  description:
    "A provider is a configured vendor with one or more vendor accounts, which pay for the tasks. Each new flow goes to one account, selected by weight. A branch stays at its account. A change takes effect within 30 seconds.",
  routes: {
    "GET /v1/providers": {
      id: "listProviders",
      summary: "List providers",
      description: "Returns what each provider supports, and the status of its accounts.",
      responses: { 200: { about: "All providers.", schema: wholeOf(Provider) } },
      errors: AUTH_ERRORS,
    },
    "POST /v1/providers/:id/accounts/:name": {
      id: "addAccount",
      summary: "Create a vendor account",
      description: "The key is stored encrypted and never shown.",
      key: "operator",
      path,
      body: AccountRequest,
      example: { baseUrl: "https://api.example.com", apiKey: "sk-your-key", weight: 2, maxRunning: 12 },
      responses: { 201: { about: "The account.", schema: Account, headers: [LOCATION] } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "limit_reached", "already_exists"],
    },
    "PATCH /v1/providers/:id/accounts/:name": {
      id: "updateAccount",
      summary: "Update a vendor account",
      description:
        "Changes the fields that are sent; null restores the value of the configuration. With weight 0 the account gets no new flows.",
      key: "operator",
      path,
      body: AccountPatch,
      example: { weight: 0 },
      responses: { 200: { about: "The account.", schema: Account } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found"],
    },
    "DELETE /v1/providers/:id/accounts/:name": {
      id: "removeAccount",
      summary: "Delete a vendor account",
      key: "operator",
      path,
      responses: { 204: { about: "The account is deleted." } },
      errors: [...AUTH_ERRORS, "not_found", "wrong_state"],
    },
    "POST /v1/providers/:id/accounts/:name/test": {
      id: "testAccount",
      summary: "Test a vendor account",
      description:
        "Sends one to three free requests to the vendor: a look-up of the account, or of a task that does not exist, with the key and without it. It never submits a task and does not count for the circuit breaker or for limits. It takes at most 8 seconds. A refused key is a result, and no error.",
      key: "operator",
      path,
      responses: { 200: { about: "The result of the test.", schema: AccountTest } },
      errors: [...AUTH_ERRORS, "not_found", "wrong_state"],
    },
  },
} as const satisfies RouteGroup;

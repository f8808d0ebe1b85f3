/**
 * The test of an account at Legnext: its balance. Its documents do not agree about the path, so a job is looked up if there is no such
 * route.
 */
import { type AccountTestRules, NO_TASK } from "../../account-test/rules.ts";
import { isFields, parseJson } from "../../json.ts";
import { readAnswer } from "../shared/answer.ts";
import { urlOf } from "../shared/call.ts";
import { headersOf, PREFIX, RULES } from "./calls.ts";

/** 404 is about the parent of a press. No request here has a parent. */
const LOOKUP_RULES = { ...RULES, statuses: { ...RULES.statuses, 404: "unsupported" } } as const;

export const rules: AccountTestRules = {
  headersOf,
  requestsOf: ({ baseUrl }) => [
    {
      method: "GET",
      // This route has no version in its path.
      url: urlOf(baseUrl.replace(/\/v1\/*$/, ""), "/api", "/account/balance"),
      isExpected({ status, text }) {
        const body = parseJson(text);
        return status < 300 && isFields(body) && isFields(body["data"]) && "account_id" in body["data"];
      },
    },
    {
      method: "GET",
      url: urlOf(baseUrl, PREFIX, `/job/${NO_TASK}`),
      isExpected({ status, text }) {
        const body = parseJson(text);
        const error = isFields(body) ? body["error"] : undefined;
        // Other APIs have errors with a code and a message, too.
        return status === 404 && isFields(error) && "raw_message" in error;
      },
    },
  ],
  read: (response, apiKey) => readAnswer(response, LOOKUP_RULES, { apiKey }),
};

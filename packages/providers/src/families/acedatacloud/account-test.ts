/** The test of an account at AceDataCloud: a list of unknown ids is empty. The vendor has no request about the account here. */
import { type AccountTestRules, NO_TASK } from "../../account-test/rules.ts";
import { isFields, parseJson } from "../../json.ts";
import { readAnswer } from "../shared/answer.ts";
import { urlOf } from "../shared/call.ts";
import { headersOf, isOutOfMoney, PREFIX, RULES } from "./calls.ts";

/** 403 is about the prompt of a submission. A look-up has none. */
const LOOKUP_RULES = {
  ...RULES,
  statuses: {
    403: (words: string) => (isOutOfMoney(words) ? "vendor_out_of_money" : "vendor_unauthorized"),
  },
} as const;

export const rules: AccountTestRules = {
  headersOf,
  requestsOf: ({ baseUrl }) => [
    {
      method: "POST",
      url: urlOf(baseUrl, PREFIX, "/tasks"),
      body: { action: "retrieve_batch", ids: [NO_TASK] },
      isExpected({ status, text }) {
        const body = parseJson(text);
        return status < 300 && isFields(body) && Array.isArray(body["items"]);
      },
    },
  ],
  read: (response, apiKey) => readAnswer(response, LOOKUP_RULES, { apiKey }),
};

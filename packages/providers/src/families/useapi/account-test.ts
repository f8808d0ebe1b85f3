/** The test of an account at useapi.net: `GET /jobs` lists the jobs that run. It documents 401 and 402. */
import type { AccountTestRules } from "../../account-test/rules.ts";
import { parseJson } from "../../json.ts";
import { readAnswer } from "../shared/answer.ts";
import { urlOf } from "../shared/call.ts";
import { headersOf, PREFIX, RULES } from "./calls.ts";

/** 404 is about the parent of a button. This request has none. */
const LOOKUP_RULES = { ...RULES, statuses: { ...RULES.statuses, 404: "unsupported" } } as const;

export const rules: AccountTestRules = {
  headersOf,
  requestsOf: ({ baseUrl }) => [
    {
      method: "GET",
      url: urlOf(baseUrl, PREFIX, "/jobs"),
      isExpected: ({ status, text }) => status < 300 && Array.isArray(parseJson(text)),
    },
  ],
  read: (response, apiKey) => readAnswer(response, LOOKUP_RULES, { apiKey }),
};

/** The test of an account at TTAPI: `GET /info` shows its balance. An older page has this route as POST only; then a task is looked up. */
import { type AccountTestRules, NO_TASK } from "../../account-test/rules.ts";
import { isFields, parseJson } from "../../json.ts";
import { readAnswer } from "../shared/answer.ts";
import { urlOf } from "../shared/call.ts";
import { headersOf, PREFIX, RULES } from "./calls.ts";

export const rules: AccountTestRules = {
  headersOf,
  requestsOf: ({ baseUrl }) => [
    {
      method: "GET",
      url: urlOf(baseUrl, PREFIX, "/info"),
      isExpected({ status, text }) {
        const body = parseJson(text);
        return status < 300 && isFields(body) && body["status"] === "SUCCESS" && isFields(body["data"]);
      },
    },
    {
      method: "GET",
      url: urlOf(baseUrl, PREFIX, `/fetch?jobId=${NO_TASK}`),
      isExpected({ status, text }) {
        const body = parseJson(text);
        const saysFailed = isFields(body) && body["status"] === "FAILED" && typeof body["message"] === "string";
        return saysFailed && (status === 404 || /\b(?:not (?:found|exist)|no such)\b/i.test(String(body["message"])));
      },
    },
  ],
  read: (response, apiKey) => readAnswer(response, RULES, { apiKey }),
};

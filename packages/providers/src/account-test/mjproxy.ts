/**
 * The midjourney-proxy protocol has no request about the account. Its look-ups are free, and they check the key (docs/protocol.md 1.1 and
 * 1.14). A list of unknown ids is empty. A single unknown id has a response of its own.
 */
import type { Dialect, Operation } from "../dialect.ts";
import { isFields, parseJson } from "../json.ts";
import { headersOf, UNKNOWN_TASK, urlOf } from "../mjproxy.ts";
import { taskList } from "../report.ts";
import { failureTextOf, parseSubmitResponse } from "../submit-response.ts";
import type { AccountTestRules, Answered, FreeRequest } from "./rules.ts";

/**
 * An empty response is that of novicezk and trueai-org. Others must name the task: a 404 alone is what any server responds, and many check
 * a key before that.
 */
function saysUnknownTask({ status, text }: Answered): boolean {
  if (status === 204 || (status < 300 && text.trim() === "")) return true;
  const body = parseJson(text);
  return status < 500 && isFields(body) && UNKNOWN_TASK.test(failureTextOf(body) ?? "");
}

/** Ids of this protocol are digits. */
const NO_TASK = "1000000000000000";

export function mjproxyRules(dialect: Dialect): AccountTestRules {
  const has = (operation: Operation) => dialect.operations.includes(operation);
  return {
    headersOf: (account) => headersOf(dialect, account),
    requestsOf(account) {
      const list: FreeRequest = {
        method: "POST",
        url: urlOf(dialect, "list", account),
        body: { ids: [NO_TASK] },
        isExpected: ({ status, text }) => status < 300 && taskList(parseJson(text)) !== undefined,
      };
      const fetch: FreeRequest = {
        method: "GET",
        url: urlOf(dialect, "fetch", account).replace("{id}", NO_TASK),
        isExpected: saysUnknownTask,
      };
      return has("list") ? [list, fetch] : [fetch];
    },
    read: (response, apiKey) => parseSubmitResponse(response, dialect, { apiKey }),
  };
}

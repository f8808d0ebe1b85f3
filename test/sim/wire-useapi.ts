/**
 * useapi.net v3 for the simulated vendor: a request for each look-up, every event as a callback, button labels and ids with a
 * colon. Its list has only the jobs that run.
 */
import { FORMS } from "@mjflow/providers/families/index";
import { connect } from "@mjflow/providers/families/useapi/calls";
import { readCallback } from "@mjflow/providers/families/useapi/read";
import { jobOf } from "./vendor.ts";
import type { Reply, VendorCall } from "./vendor-http.ts";
import { buttonWord, pressedButton, restOfPath, type TaskBody, type TaskRow, type Wire } from "./wire.ts";

const { id, title, capabilities } = FORMS.get("useapi")!;

const WORDS = { U: "U", V: "V", reroll: "🔄" };
const STATUSES: Readonly<Record<string, string>> = {
  NOT_START: "created",
  SUBMITTED: "started",
  IN_PROGRESS: "progress",
  SUCCESS: "completed",
  FAILURE: "failed",
};

export const useapiWire: Wire = {
  connect: (httpClient) => ({ id, title, capabilities, ...connect({ httpClient }, new Set()), readCallback }),
  looksUpEach: true,
  idOf: (nth) => `j1130014200${String(nth).padStart(9, "0")}i-u90001-c1300000000000000301-bot:midjourney`,

  callOf({ method, url, headers, body }): VendorCall {
    const account = (headers["authorization"] ?? "").replace("Bearer ", "");
    const fields = (body ?? {}) as Record<string, string>;
    const { path } = restOfPath(url, "/v3/midjourney/jobs");
    if (method === "GET") {
      if (path === "") return { account, verb: "query", state: undefined, page: 0, size: 300 };
      return { account, verb: "list", ids: [decodeURIComponent(path.slice(1))] };
    }
    if ((fields["stream"] as unknown) !== false) throw new Error("a call without `stream: false`");
    const submitted = { account, verb: "submit" as const, state: fields["replyRef"]!, hook: fields["replyUrl"]! };
    if (path === "/imagine") return submitted;
    if (path !== "/button") throw new Error(`The simulated vendor has no route ${path}`);
    const parentId = fields["jobId"]!;
    return { ...submitted, press: { parentId, customId: pressedButton(fields["button"]!, WORDS, jobOf(parentId)) } };
  },

  encode(reply, call): Reply {
    if (reply.kind !== "answer") return reply;
    const refuse = (code: number, error: string): Reply => ({ ...reply, status: code, body: { error, code } });
    switch (reply.of) {
      case "acceptance": {
        const verb = call.verb === "submit" && call.press ? "button" : "imagine";
        const jobid = (reply.body as { result: string }).result;
        return { ...reply, body: { jobid, verb, status: "created", request: {} } };
      }
      case "refusal":
        if (reply.status === 401) return refuse(401, "Unauthorized");
        if ((reply.body as { code?: number }).code === 24) return refuse(422, "Moderated");
        return refuse(429, "All job slots are taken");
      case "list": {
        const [row] = reply.body as TaskRow[];
        return row ? { ...reply, body: jobBody(row, row.state) } : refuse(404, "Job not found");
      }
      case "page": {
        const { content } = reply.body as { content: TaskRow[] };
        const running = content.filter(({ status }) => status !== "SUCCESS" && status !== "FAILURE");
        return { ...reply, body: running.map((row) => row.id) };
      }
    }
  },

  callbackOf: (body, { state }) => ({ ...jobBody(body, state), replyRef: state }),
};

function jobBody(task: TaskBody, state: string): object {
  const buttons = task.buttons?.map(({ customId }) => buttonWord(customId, WORDS, WORDS.reroll));
  return {
    jobid: task.id,
    verb: "imagine",
    status: STATUSES[task.status],
    request: { prompt: "x", replyRef: state },
    response: {
      content: task.failReason ?? "x",
      progress_percent: Number.parseInt(task.progress, 10),
      attachments: task.imageUrl === undefined ? [] : [{ url: task.imageUrl }],
      ...(buttons && { buttons }),
    },
  };
}

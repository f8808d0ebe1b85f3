/**
 * TTAPI for the simulated vendor: a request for each look-up, callbacks only at the end, action strings for buttons, and a list
 * without times, which proves no absence. Its jobs repeat our reference; whether its list does, the search mode decides.
 */
import { FORMS } from "@mjflow/providers/families/index";
import { connect } from "@mjflow/providers/families/ttapi/calls";
import { readCallback } from "@mjflow/providers/families/ttapi/read";
import { jobOf } from "./vendor.ts";
import type { Reply, VendorCall } from "./vendor-http.ts";
import { buttonWord, type Echo, pressedButton, restOfPath, type TaskBody, type TaskRow, type Wire } from "./wire.ts";

const { id, title, capabilities } = FORMS.get("ttapi")!;

const WORDS = { U: "upsample", V: "variation" };
const STATUSES = { SUCCESS: "SUCCESS", FAILURE: "FAILED", NOT_START: "PENDING_QUEUE" } as const;

export const ttapiWire: Wire = {
  // The code of the family is loaded before the run: the scheduler knows no loading.
  connect: (httpClient) => ({ id, title, capabilities, ...connect({ httpClient }, new Set()), readCallback }),
  looksUpEach: true,
  idOf: (nth) => `5f0c1d2e-0a1b-4c3d-8e4f-${String(1_000_000 + nth).padStart(12, "0")}`,

  callOf({ url, headers, body }): VendorCall {
    const account = headers["TT-API-KEY"] ?? "";
    const fields = (body ?? {}) as Record<string, string>;
    const { path, query } = restOfPath(url, "/midjourney/v1");
    const submitted = { account, verb: "submit" as const, state: fields["notify_id"]!, hook: fields["hookUrl"]! };
    switch (path) {
      case "/imagine":
        return submitted;
      case "/action": {
        const parentId = fields["jobId"]!;
        return {
          ...submitted,
          press: { parentId, customId: pressedButton(fields["action"]!, WORDS, jobOf(parentId)) },
        };
      }
      case "/fetch":
        return { account, verb: "list", ids: [query.get("jobId")!] };
      case "/fetch-list": {
        const [page, size] = [Number(query.get("page")) - 1, Number(query.get("limit"))];
        return { account, verb: "query", state: undefined, page, size };
      }
      default:
        throw new Error(`The simulated vendor has no route ${path}`);
    }
  },

  encode(reply, call): Reply {
    if (reply.kind !== "answer") return reply;
    const { of, afterMs } = reply;
    const refuse = (status: number, message: string): Reply => {
      return {
        ...reply,
        status,
        body: { status: "FAILED", message, data: null },
        ...(afterMs !== undefined && { afterMs }),
      };
    };
    switch (of) {
      case "acceptance": {
        const { result } = reply.body as { result: string };
        // The page of action prints another spelling.
        const name = call.verb === "submit" && call.press ? "job_id" : "jobId";
        return { ...reply, body: { status: "SUCCESS", message: "success", data: { [name]: result } } };
      }
      case "refusal": {
        const { code } = reply.body as { code?: number };
        if (reply.status === 401) return refuse(401, "TT-API-KEY error");
        if (code === 24) return refuse(400, "[TTAPI prompt filter] word not allowed: x");
        return code === 23 ? refuse(499, "Insufficient queues") : refuse(429, "Requests too frequent");
      }
      case "list": {
        const [row] = reply.body as TaskRow[];
        return row ? { ...reply, body: jobBody(row, row.state) } : refuse(404, "Job not found");
      }
      case "page": {
        const { content } = reply.body as { content: TaskRow[] };
        const data = content.map((row) => ({ job_id: row.id, status: 2, progress: "100", notify_id: row.state }));
        return { ...reply, body: { status: "SUCCESS", data, message: "success" } };
      }
    }
  },

  callbackOf(body, { state, hook }: Echo) {
    const hasEnded = body.status === "SUCCESS" || body.status === "FAILURE";
    return hasEnded ? jobBody(body, state, hook) : undefined;
  },
};

function jobBody(task: TaskBody, state: string, hook?: string): object {
  const status = Object.hasOwn(STATUSES, task.status) ? STATUSES[task.status as keyof typeof STATUSES] : "ON_QUEUE";
  return {
    status,
    message: task.failReason === undefined ? "" : "Job Timeout",
    jobId: task.id,
    data: {
      action: "imagine",
      jobId: task.id,
      progress: task.progress.replace("%", ""),
      prompt: "x",
      notify_id: state,
      ...(hook !== undefined && { hookUrl: hook }),
      cdnImage: task.imageUrl ?? null,
      components: task.buttons?.map(({ customId }) => buttonWord(customId, WORDS)) ?? null,
      images: null,
    },
  };
}

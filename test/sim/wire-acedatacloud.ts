/**
 * AceDataCloud for the simulated vendor: batches of look-ups, callbacks only at the end, and image ids for presses. Its list has
 * the requests and the times of its tasks.
 */
import { connect } from "@mjflow/providers/families/acedatacloud/calls";
import { readCallback } from "@mjflow/providers/families/acedatacloud/read";
import { FORMS } from "@mjflow/providers/families/index";
import { jobOf } from "./vendor.ts";
import type { Reply, VendorCall } from "./vendor-http.ts";
import { buttonWord, pressedButton, restOfPath, type TaskBody, type TaskRow, type Wire } from "./wire.ts";

const { id, title, capabilities } = FORMS.get("acedatacloud")!;

const TASK = "7a000000-1111-4222-8333-";
const IMAGE = "1300000";
const WORDS = { U: "upscale", V: "variation" };

export const acedatacloudWire: Wire = {
  connect: (httpClient) => ({ id, title, capabilities, ...connect({ httpClient }, new Set()), readCallback }),
  looksUpEach: false,
  idOf: (nth) => `${TASK}${String(1_000_000 + nth).padStart(12, "0")}`,

  callOf({ url, headers, body }): VendorCall {
    const account = (headers["authorization"] ?? "").replace("Bearer ", "");
    const fields = (body ?? {}) as Record<string, string> & { ids?: string[]; offset?: number; limit?: number };
    const { path } = restOfPath(url, "/midjourney");
    if (path === "/imagine") {
      const hook = fields["callback_url"]!;
      const state = new URL(hook).searchParams.get("ref")!;
      const submitted = { account, verb: "submit" as const, state, hook };
      const { action, image_id: imageId } = fields;
      if (action === "generate") return submitted;
      const parentId = `${TASK}${imageId!.slice(IMAGE.length)}`;
      return { ...submitted, press: { parentId, customId: pressedButton(action!, WORDS, jobOf(parentId)) } };
    }
    if (path !== "/tasks") throw new Error(`The simulated vendor has no route ${path}`);
    if (fields["action"] === "retrieve") return { account, verb: "list", ids: [fields["id"]!] };
    if (fields.ids !== undefined) return { account, verb: "list", ids: fields.ids };
    const { offset = 0, limit = 12 } = fields;
    return { account, verb: "query", state: undefined, page: offset / limit, size: limit };
  },

  encode(reply, call): Reply {
    if (reply.kind !== "answer") return reply;
    const refuse = (status: number, code: string): Reply => {
      return { ...reply, status, body: { error: { code, message: code }, trace_id: "9c000000" } };
    };
    switch (reply.of) {
      case "acceptance":
        return { ...reply, body: { task_id: (reply.body as { result: string }).result } };
      case "refusal":
        if (reply.status === 401) return refuse(401, "invalid_token");
        if ((reply.body as { code?: number }).code === 24) return refuse(403, "forbidden");
        return refuse(429, "too_many_requests");
      case "list": {
        const items = (reply.body as TaskRow[]).map(itemOf);
        const isSingle = call.verb === "list" && call.ids.length === 1;
        if (!isSingle) return { ...reply, body: { items, count: items.length } };
        return items[0] ? { ...reply, body: items[0] } : refuse(404, "not_found");
      }
      case "page": {
        const items = (reply.body as { content: TaskRow[] }).content.map(itemOf);
        return { ...reply, body: { items, count: items.length } };
      }
    }
  },

  callbackOf: (body) => (body.status === "SUCCESS" || body.status === "FAILURE" ? reportBody(body) : undefined),
};

function itemOf(row: TaskRow): object {
  const hasEnded = row.status === "SUCCESS" || row.status === "FAILURE";
  return {
    id: row.id,
    created_at: row.submitTime / 1_000,
    request: row.state === "other" ? {} : { callback_url: `https://h.test/callbacks/x?ref=${row.state}` },
    type: "imagine",
    ...(hasEnded && { response: reportBody(row), image_id: imageIdOf(row) }),
  };
}

const imageIdOf = (task: TaskBody): string => `${IMAGE}${task.id.slice(-12)}`;

function reportBody(task: TaskBody): object {
  if (task.status === "FAILURE") {
    return { success: false, task_id: task.id, error: { code: "timeout", message: "Job Timeout" } };
  }
  return {
    success: true,
    task_id: task.id,
    image_id: imageIdOf(task),
    raw_image_url: task.imageUrl ?? null,
    progress: 100,
    actions: task.buttons?.map(({ customId }) => buttonWord(customId, WORDS)) ?? [],
  };
}

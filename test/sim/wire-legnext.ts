/**
 * Legnext for the simulated vendor: a request for each look-up, callbacks only at the end, and no list. A job repeats no reference of
 * ours, so only a callback settles a lost answer. The four pictures of a grid come with it, so `upscale:1` is free.
 */
import { parseToken } from "@mjflow/core/callback-token";
import type { PlanInput } from "@mjflow/core/request";
import { vendorStateOf } from "@mjflow/engine/submit";
import { FORMS } from "@mjflow/providers/families/index";
import { connect } from "@mjflow/providers/families/legnext/calls";
import { pictureOf, readCallback } from "@mjflow/providers/families/legnext/read";
import { jobOf } from "./vendor.ts";
import type { Reply, VendorCall } from "./vendor-http.ts";
import { restOfPath, type TaskBody, type TaskRow, type Wire } from "./wire.ts";

const { id, title, capabilities } = FORMS.get("legnext")!;

const STATUSES: Readonly<Record<string, string>> = {
  NOT_START: "pending",
  SUCCESS: "completed",
  FAILURE: "failed",
};
/** What a plan presses on a picture instead of a grid. */
const ON_PICTURE: Readonly<Record<string, string>> = {
  U1: "upscale:subtle",
  U2: "upscale:creative",
  V1: "vary:strong",
  V3: "vary:subtle",
  reroll: "zoom:2",
};
const PICTURES = [0, 1, 2, 3];

export const legnextWire: Wire = {
  connect: (httpClient) => ({ id, title, capabilities, ...connect({ httpClient }, new Set()), readCallback }),
  looksUpEach: true,
  idOf: (nth) => `8b000000-aaaa-4bbb-8ccc-${String(1_000_000 + nth).padStart(12, "0")}`,
  jobIdOf: (vendorTaskId) => pictureOf(vendorTaskId)?.jobId ?? vendorTaskId,
  planOf: (plan) => plan.map((press) => pressOf(press, false)),

  callOf({ method, url, headers, body }): VendorCall {
    const account = headers["x-api-key"] ?? "";
    const fields = (body ?? {}) as Record<string, string> & { imageNo?: number };
    const { path } = restOfPath(url, "/api/v1/");
    if (method === "GET") return { account, verb: "list", ids: [decodeURIComponent(path.slice("job/".length))] };
    const hook = fields["callback"]!;
    // Nothing but the address names the task.
    const { claims } = parseToken(/\/callbacks\/([^/?]+)/.exec(hook)![1]!)!;
    const submitted = { account, verb: "submit" as const, state: vendorStateOf(claims, claims.attempt), hook };
    if (path === "diffusion") return submitted;
    const parentId = fields["jobId"]!;
    return { ...submitted, press: { parentId, customId: customIdOf(path, fields.imageNo ?? 0, jobOf(parentId)) } };
  },

  encode(reply): Reply {
    if (reply.kind !== "answer") return reply;
    const refuse = (status: number, message: string): Reply => {
      return { ...reply, status, body: { error: { code: status, message, raw_message: message, detail: null } } };
    };
    switch (reply.of) {
      case "acceptance": {
        const { result } = reply.body as { result: string };
        return { ...reply, body: jobBody({ id: result, status: "NOT_START", progress: "0%" }) };
      }
      case "refusal":
        if (reply.status === 401) return refuse(401, "Invalid API key");
        if ((reply.body as { code?: number }).code === 24) return refuse(403, "Sensitive content detected: x");
        return refuse(429, "Too many requests");
      case "list": {
        const [row] = reply.body as TaskRow[];
        return row ? { ...reply, body: jobBody(row) } : refuse(404, "Not found");
      }
      case "page":
        throw new Error("This vendor has no list");
    }
  },

  callbackOf(body) {
    const hasEnded = body.status === "SUCCESS" || body.status === "FAILURE";
    return hasEnded ? { timestamp: 1, data: jobBody(body) } : undefined;
  },
};

/** A picture has other buttons than a grid; what is made of it is a grid again. */
function pressOf({ then = [], ...rest }: PlanInput, isOnPicture: boolean): PlanInput {
  const named = String(rest.press);
  const isPicture = !isOnPicture && /^U[1-4]$/.test(named);
  const press = isOnPicture ? (ON_PICTURE[named] ?? named) : named;
  return { ...rest, press, then: then.map((child) => pressOf(child, isPicture)) };
}

/** The button of the simulated vendor that stands for a route. */
function customIdOf(path: string, picture: number, job: string): string {
  if (path === "variation") return `MJ::JOB::variation::${picture + 1}::${job}`;
  if (path === "upscale") return `MJ::JOB::upsample::${picture + 1}::${job}`;
  if (path === "reroll" || path === "outpaint") return `MJ::JOB::reroll::0::${job}::SOLO`;
  throw new Error(`The simulated vendor has no route ${path}`);
}

function jobBody(task: TaskBody): object {
  const { imageUrl } = task;
  const message = task.failReason === undefined ? "" : "Job Timeout";
  return {
    job_id: task.id,
    status: STATUSES[task.status] ?? "processing",
    config: { webhook_config: { endpoint: "https://h.test/callbacks/x", secret: "" } },
    output: {
      image_url: imageUrl ?? "",
      image_urls: imageUrl === undefined ? null : PICTURES.map((n) => `${imageUrl}?picture=${n + 1}`),
      seed: "",
      // A result with late buttons has no actions yet.
      ...(task.buttons && { available_actions: { variation: PICTURES, reroll: true } }),
    },
    meta: { created_at: "", started_at: "", ended_at: "0001-01-01T00:00:00Z", usage: { type: "point" } },
    error: { code: 0, raw_message: message, message, detail: null },
  };
}

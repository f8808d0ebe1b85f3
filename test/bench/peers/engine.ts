/**
 * What the compared systems have in common: the shape of the work, the callback URLs, and the reading of requests. The
 * code is as small as possible while it stays correct: no schema library, one kind of plan.
 *
 * Missing, compared with mjflow's entry points:
 *
 * - plans other than "press these buttons on the first image", other vendors, other actions, input images
 * - idempotency keys, apps, limits and credit
 * - tokens that expire, and keys that rotate
 * - protection against URLs in the own network
 * - problem+json, webhooks, events, listing, cancel, retry
 *
 * Missing, compared with mjflow's engine: an unclear task waits for its callback without end (no grace period, no
 * look-up, no second attempt). A lost callback is never found by look-up. A busy vendor, or one without callbacks, is not
 * handled. Rows are never deleted.
 */
import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from "node:crypto";
import type { Ready } from "../flows/system.ts";

/** One task of a plan: path "0" is the root, "0-1" its first press. */
export interface TaskRef {
  flowId: string;
  path: string;
}

export interface Plan {
  prompt: string;
  presses: string[];
}

export interface Button {
  label: string;
  customId: string;
}

/** The vendor's report of a finished task. */
export interface Report {
  vendorTaskId: string;
  isSuccess: boolean;
  buttons: Button[];
}

export interface Engine {
  /** When it resolves, the flow is durable and its root will be submitted. */
  create(flowId: string, plan: Plan): Promise<void>;
  /** Stores a step of progress; absent: progress is dropped. */
  progress?(task: TaskRef, progress: string): Promise<void>;
  /** When it resolves, the end and its follow-ups are durable. A repeated report has no further effect. */
  ended(task: TaskRef, report: Report): Promise<void>;
  /** Returns undefined for an unknown flow. */
  status(flowId: string): Promise<string | undefined>;
}

export const ROOT = "0";

/** A follow-up with all that its submission needs. */
export interface FollowUp extends TaskRef {
  customId: string;
}

/** Presses without a button on the image are left out. */
export function followUpsOf(flowId: string, presses: readonly string[], buttons: readonly Button[]): FollowUp[] {
  return presses.flatMap((press, i) => {
    const customId = buttons.find(({ label }) => label === press)?.customId;
    return customId === undefined ? [] : [{ flowId, path: `${ROOT}-${i + 1}`, customId }];
  });
}

export interface Response {
  status: number;
  body: string;
}

/** A request body above this size is refused. */
export const BODY_BYTES = 256 * 1024;

/** The routes of a system, without an HTTP server. */
export interface Routes extends Ready {
  callbackUrl(task: TaskRef): string;
  create(authorization: string | undefined, body: string): Promise<Response>;
  /** Returns a promise only if something is stored. */
  callback(token: string, body: string | Buffer): Response | Promise<Response>;
  status(authorization: string | undefined, flowId: string): Promise<Response>;
}

/** Tokens that this process made or checked. The callbacks of a task need no further check. */
const REMEMBERED_TOKENS = 10_000;

const OK: Response = { status: 200, body: '{"code":1}' };
const UNAUTHORIZED: Response = { status: 401, body: "{}" };

/** @param engine called at the first request, because the engine itself needs the callback URLs */
export function createRoutes(url: string, engine: () => Engine): Routes {
  const key = randomBytes(24).toString("base64url");
  const tokenKey = createSecretKey(randomBytes(32));
  const sign = (text: string) => createHmac("sha256", tokenKey).update(text).digest("base64url");
  const isOwner = (authorization = "") => isEqual(authorization, `Bearer ${key}`);

  const known = new Map<string, TaskRef>();

  function taskOf(token: string): TaskRef | undefined {
    const before = known.get(token);
    if (before) return before;
    const [flowId = "", path = "", mac = ""] = token.split(".");
    if (!isEqual(mac, sign(`${flowId}.${path}`))) return undefined;
    return remember(token, { flowId, path });
  }

  function remember(token: string, task: TaskRef): TaskRef {
    if (known.size === REMEMBERED_TOKENS) known.clear();
    known.set(token, task);
    return task;
  }

  async function store(task: TaskRef, body: string | Buffer): Promise<Response> {
    const { id, status, progress, buttons = [] } = JSON.parse(body.toString()) as VendorTask;
    if (status === "SUCCESS" || status === "FAILURE") {
      await engine().ended(task, { vendorTaskId: String(id), isSuccess: status === "SUCCESS", buttons });
    } else await engine().progress?.(task, progress ?? "");
    return OK;
  }

  return {
    url,
    key,
    callbackUrl({ flowId, path }) {
      const text = `${flowId}.${path}`;
      const token = `${text}.${sign(text)}`;
      remember(token, { flowId, path });
      return `${url}/callbacks/${token}`;
    },
    async create(authorization, body) {
      if (!isOwner(authorization)) return UNAUTHORIZED;
      const { prompt, then } = JSON.parse(body) as { prompt: string; then: { press: string[] }[] };
      const id = `flow_${randomBytes(12).toString("hex")}`;
      await engine().create(id, { prompt, presses: then.flatMap(({ press }) => press) });
      return { status: 202, body: JSON.stringify({ id, status: "running" }) };
    },
    callback(token, body) {
      const task = taskOf(token);
      if (!task) return UNAUTHORIZED;
      // A body without either word is no end. One with such a word somewhere else is parsed.
      const mayEnd = body.includes("SUCCESS") || body.includes("FAILURE");
      const { progress } = engine();
      return mayEnd || progress ? store(task, body) : OK;
    },
    async status(authorization, flowId) {
      if (!isOwner(authorization)) return UNAUTHORIZED;
      const status = await engine().status(flowId);
      return { status: status ? 200 : 404, body: JSON.stringify({ id: flowId, status }) };
    },
  };
}

interface VendorTask {
  id: string;
  status: string;
  progress?: string;
  buttons?: Button[];
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

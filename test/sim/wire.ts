/**
 * The routes and bodies of a protocol family. The simulated vendor thinks in those of midjourney-proxy (docs/protocol.md 1). Another
 * family translates requests into its calls, and its replies and task objects into bodies of its own.
 */
import type { Provider } from "@mjflow/core/port";
import type { Report, ReportStatus } from "@mjflow/core/report";
import type { PlanInput } from "@mjflow/core/request";
import { type Dialect, dialect } from "@mjflow/providers/dialect";
import type { HttpClient, VendorHttpRequest } from "@mjflow/providers/http-client";
import { createProvider } from "@mjflow/providers/mjproxy";
import type { SearchMode } from "./vendor.ts";
import type { Reply, VendorCall } from "./vendor-http.ts";

/** A provider with the reader of its callbacks. */
export type WireProvider = Provider & { readCallback(body: string): Report | undefined };

/** The task object that callbacks and look-ups show. */
export interface TaskBody {
  id: string;
  status: ReportStatus;
  /** For example "50%". */
  progress: string;
  failReason?: string;
  imageUrl?: string;
  buttons?: { customId: string }[];
}

/** The task object of look-ups and lists. */
export interface TaskRow extends TaskBody {
  state: string;
  /** Epoch ms. */
  submitTime: number;
}

/** What a vendor repeats of the request. */
export interface Echo {
  state: string;
  hook: string;
}

export interface Wire {
  connect(httpClient: HttpClient, searched: SearchMode): WireProvider;
  /** True if the provider looks up each task with a request of its own, one id in each list call. */
  looksUpEach: boolean;
  /** Returns the id of the nth task of an account. Its first twelve digits or more in a row name the task (`jobOf`). */
  idOf(nth: number): string;
  /** True if the vendor makes one task of all requests with the same key. Unset: false. */
  isIdempotent?: boolean;
  /** Returns the id that a look-up asks for. Unset: the id of the task, always. */
  jobIdOf?(vendorTaskId: string): string;
  /** Returns a plan whose presses the family's results offer. Unset: any plan. */
  planOf?(plan: readonly PlanInput[]): readonly PlanInput[];
  callOf(request: VendorHttpRequest): VendorCall;
  encode(reply: Reply, call: VendorCall): Reply;
  /** Returns the body of a callback; undefined if the vendor does not send it. */
  callbackOf(body: TaskBody, echo: Echo): object | undefined;
}

export const mjproxyWire: Wire = {
  connect: (httpClient, searched) => createProvider(simulated(searched), { httpClient }),
  looksUpEach: false,
  idOf: (nth) => String(1_700_000_000_000_000 + nth),
  callOf,
  encode: (reply) => reply,
  callbackOf: (body) => body,
};

/** The same vendor with idempotency keys. No known vendor of this family has them. */
export const idempotentWire: Wire = {
  ...mjproxyWire,
  connect: (httpClient, searched) =>
    createProvider({ ...simulated(searched), idempotencyHeader: "idempotency-key" }, { httpClient }),
  isIdempotent: true,
};

function simulated(searched: SearchMode): Dialect {
  return dialect({
    id: "sim",
    title: "Simulated",
    sources: [],
    mode: "prompt",
    search: searched === false ? [] : ["query"],
    operations: ["imagine", "action", "modal", "list"],
  });
}

function callOf({ url, headers, body }: VendorHttpRequest): VendorCall {
  const account = (headers["authorization"] ?? "").replace("Bearer ", "");
  const fields = (body ?? {}) as Record<string, string> & { ids?: string[]; pageNumber?: number; pageSize?: number };
  const route = url.slice(url.indexOf("/mj/") + 3);
  const { state, notifyHook: hook, taskId, customId } = fields;
  const key = headers["idempotency-key"];
  const keyed = key !== undefined && { key };
  switch (route) {
    case "/submit/imagine":
      return { account, verb: "submit", state: state!, hook: hook!, ...keyed };
    case "/submit/action": {
      const press = { parentId: taskId!, customId: customId! };
      return { account, verb: "submit", state: state!, hook: hook!, press, ...keyed };
    }
    case "/submit/modal":
      return { account, verb: "modal", state: state!, id: taskId!, ...keyed };
    case "/task/list-by-condition":
      return { account, verb: "list", ids: fields.ids! };
    case "/task/query":
      return { account, verb: "query", state, page: fields.pageNumber!, size: fields.pageSize! };
    default:
      throw new Error(`The simulated vendor has no route ${route}`);
  }
}

/** Returns a family's word for one of the buttons of the simulated vendor. @param words beginnings for U and V */
export function buttonWord(customId: string, { U, V }: { U: string; V: string }, reroll = "reroll"): string {
  const [, verb, number] = /::(upsample|variation)::([1-4])::/.exec(customId) ?? [];
  return verb === undefined ? reroll : `${verb === "upsample" ? U : V}${number}`;
}

/** Returns the button of the simulated vendor that a family's word names. @param words beginnings for U and V */
export function pressedButton(word: string, words: { U: string; V: string }, job: string): string {
  const number = /[1-4]$/.exec(word)?.[0] ?? "";
  if (word === `${words.U}${number}`) return `MJ::JOB::upsample::${number}::${job}`;
  if (word === `${words.V}${number}`) return `MJ::JOB::variation::${number}::${job}`;
  return `MJ::JOB::reroll::0::${job}::SOLO`;
}

/** Returns path and query after the prefix of the family. */
export function restOfPath(url: string, prefix: string): { path: string; query: URLSearchParams } {
  const { pathname, searchParams } = new URL(url);
  return { path: pathname.slice(prefix.length), query: searchParams };
}

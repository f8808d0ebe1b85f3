/**
 * A dialect lists how one vendor differs from the protocol. Omitted fields have the defaults of `dialect()` below. No code
 * in this project compares vendor names; it uses these fields.
 */
import { canonicalButtonName, isUnsupportedName } from "@mjflow/core/button";
import type { RootAction } from "@mjflow/core/flow";
import type { ProviderCapabilities } from "@mjflow/core/port";
import { type OptionalField, ROOT_ACTIONS } from "@mjflow/core/root-action";

export type Mode = "fast" | "relax" | "turbo";

/** Path of each operation after the prefix (docs/protocol.md 1.2). */
export const ROUTES = {
  imagine: "/submit/imagine",
  action: "/submit/action",
  modal: "/submit/modal",
  change: "/submit/change",
  blend: "/submit/blend",
  describe: "/submit/describe",
  shorten: "/submit/shorten",
  "swap-face": "/insight-face/swap",
  video: "/submit/video",
  // trueai-org has /submit/edit, too. The plural is the one that all servers with edits have.
  edit: "/submit/edits",
  retexture: "/submit/retexture",
  upload: "/submit/upload-discord-images",
  fetch: "/task/{id}/fetch",
  list: "/task/list-by-condition",
  query: "/task/query",
  recent: "/task/list",
  seed: "/task/{id}/image-seed",
} as const;
export type Operation = keyof typeof ROUTES;

/** Lists without ids: `query` has pages (plus), `recent` is one response (novicezk: all tasks; trueai-org: 100). */
export type SearchOperation = "query" | "recent";

export interface Dialect {
  id: string;
  title: string;
  /** Sources of the facts in this dialect. */
  sources: readonly string[];
  /** Path before the routes. */
  prefix: string;
  /** Header that carries the API key. */
  auth: "bearer" | "mj-api-secret";
  /** Operations that the vendor supports. */
  operations: readonly Operation[];
  /**
   * Where a request carries the mode: a path prefix, `accountFilter.modes`, or a flag in the prompt. Every server passes
   * the flag to Midjourney, where a press inherits the mode of its parent.
   */
  mode: "path" | "accountFilter" | "prompt";
  /** Path prefix of a mode, if `mode` is `path`. */
  modePrefix(mode: Mode): string;
  /** True if the vendor supports `accountFilter`. A relay in between may still drop the field. */
  accountFilter: boolean;
  /** True if the vendor supports `chooseSameChannel`: a Discord button works only with the account that made it. */
  chooseSameChannel: boolean;
  /** True if image fields accept links; otherwise they need data URIs. */
  links: boolean;
  /** The same for the two images of a face swap. */
  swapLinks: boolean;
  /** True if the vendor is a relay that passes the responses of its upstream through (`SubmitResponseOptions`). */
  relay: boolean;
  /** `ProviderCapabilities.unsupportedPresses`. Buttons with these names are left out of results. */
  unsupportedPresses: readonly string[];
  /** False for a button without a press name that the vendor cannot press. Such buttons are left out, too. */
  canPressUnnamed(customId: string): boolean;
  /** Meaning of code 21: always an open modal, or decided by the shape of the body. */
  code21: "modal" | "shape";
  /** True if `/submit/change` presses by index if the finished task had no buttons (novicezk). False: only by `customId`. */
  change: boolean;
  /** Whether the vendor documents callbacks. */
  notifyHook: ProviderCapabilities["notifyHook"];
  /**
   * Lists in which a task can be found by our `state`. The next list is requested if the vendor lacks the previous one.
   * Empty if the vendor has no list, or if its relay lists tasks without `state`.
   */
  search: readonly SearchOperation[];
  /** Number of tasks that `recent` lists at most; unset: all tasks that the server has. */
  recentLimit?: number;
  /** Actions whose task may already have ended in the submit response. */
  instantActions: readonly string[];
  /** Optional fields of roots that the vendor documents, or passes on to its upstream. */
  optionalFields: readonly OptionalField[];
  /** Root actions that need a prompt at this vendor. */
  promptActions: readonly RootAction[];
  /**
   * How a press animates an image or extends a video. `action`: by the customId of its button. `submit`: with a video
   * request, because the vendor refuses those customIds.
   */
  videoBy: "action" | "submit";
  /**
   * How a press asks for the remix modal, in which its prompt can be changed: with `enableRemix`, with `accountFilter.remix`, or not
   * at all. Without it only the setting of the vendor's account decides.
   */
  remix: "enableRemix" | "accountFilter" | "none";
  /** Header in which the vendor takes an idempotency key. Unset, as at all known vendors: it takes none. */
  idempotencyHeader?: string;
}

const OF_SOME_VENDORS: ReadonlySet<Operation> = new Set(["query", "recent", "video", "edit", "retexture"]);
/**
 * All operations except the two lists, which `search` declares, and the operations that only some servers have. A dialect
 * names those itself.
 */
export const ALL_OPERATIONS = (Object.keys(ROUTES) as Operation[]).filter((each) => !OF_SOME_VENDORS.has(each));

/** No server of the family lets a client press the heart (docs/protocol.md 4.2). */
const NO_SERVER_PRESSES = ["favourite"];
/** A press that always opens a modal can never be finished without the operation `modal`. */
const NEEDS_MODAL = ["vary:region", "zoom:custom"];

export function dialect(fields: Pick<Dialect, "id" | "title" | "sources"> & Partial<Dialect>): Dialect {
  const hasModal = fields.operations?.includes("modal") ?? true;
  const unsupported = [...NO_SERVER_PRESSES, ...(hasModal ? [] : NEEDS_MODAL), ...(fields.unsupportedPresses ?? [])];
  return {
    prefix: "/mj",
    auth: "bearer",
    operations: ALL_OPERATIONS,
    mode: "path",
    modePrefix: (mode) => `/mj-${mode}/mj`,
    accountFilter: true,
    chooseSameChannel: true,
    links: true,
    swapLinks: fields.links ?? true,
    relay: false,
    code21: "modal",
    change: false,
    notifyHook: "documented",
    search: [],
    instantActions: [],
    optionalFields: [],
    promptActions: [],
    videoBy: "action",
    remix: "none",
    canPressUnnamed: () => true,
    ...fields,
    unsupportedPresses: unsupported,
  };
}

/** Returns false for a button that the vendor may show and can never press. */
export function canPress({ unsupportedPresses, canPressUnnamed, videoBy }: Dialect, customId: string): boolean {
  const name = canonicalButtonName(customId);
  // `videoButtons` replaces these buttons.
  if (videoBy === "submit" && /^(?:animate|extend):/.test(name ?? "")) return false;
  return name === undefined ? canPressUnnamed(customId) : !isUnsupportedName(name, unsupportedPresses);
}

export function capabilitiesOf(dialect: Dialect): ProviderCapabilities {
  return {
    notifyHook: dialect.notifyHook,
    listByCondition: dialect.operations.includes("list"),
    searchByState: dialect.search.length > 0,
    instantActions: dialect.instantActions,
    rootActions: ROOT_ACTIONS.filter((action) => dialect.operations.includes(action)),
    modes: ["fast", "relax", "turbo"],
    seed: dialect.operations.includes("seed"),
    imageLinks: dialect.links,
    swapLinks: dialect.swapLinks,
    optionalFields: dialect.optionalFields,
    promptActions: dialect.promptActions,
    modals: dialect.operations.includes("modal"),
    unsupportedPresses: dialect.unsupportedPresses,
    ...(dialect.idempotencyHeader !== undefined && { idempotencyKey: true }),
  };
}

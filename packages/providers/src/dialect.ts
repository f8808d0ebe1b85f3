/**
 * A dialect: where one vendor differs from the protocol, as a form to fill in. What a form leaves out has the default
 * written here. Nothing in this project compares vendor names; it asks these fields.
 */
import type { RootAction } from "@mjflow/core/flow";
import type { ProviderCapabilities } from "@mjflow/core/port";

export type Mode = "fast" | "relax" | "turbo";

/** Each verb's path behind the prefix (docs/protocol.md 1.2). */
export const ROUTES = {
  imagine: "/submit/imagine",
  action: "/submit/action",
  modal: "/submit/modal",
  change: "/submit/change",
  "simple-change": "/submit/simple-change",
  blend: "/submit/blend",
  describe: "/submit/describe",
  shorten: "/submit/shorten",
  "swap-face": "/insight-face/swap",
  upload: "/submit/upload-discord-images",
  fetch: "/task/{id}/fetch",
  list: "/task/list-by-condition",
  query: "/task/query",
  recent: "/task/list",
  seed: "/task/{id}/image-seed",
} as const;
export type Verb = keyof typeof ROUTES;

/** Lists that name no ids: `query` by pages (plus), `recent` in one answer (novicezk: all there are; trueai-org: 100). */
export type SearchVerb = "query" | "recent";

export interface Dialect {
  id: string;
  title: string;
  /** Where its facts come from. */
  sources: readonly string[];
  /** Before the routes. */
  prefix: string;
  auth: "bearer" | "mj-api-secret";
  /** The verbs it has. */
  verbs: readonly Verb[];
  /**
   * Where a mode goes: its own path prefix, `accountFilter.modes`, or a flag in the prompt, which every server hands to
   * Midjourney (a press inherits its parent's mode there).
   */
  mode: "path" | "accountFilter" | "prompt";
  /** With a mode in the path: the prefix of one. */
  modePrefix(mode: Mode): string;
  /** Takes `accountFilter` (a relay in between may still drop it). */
  accountFilter: boolean;
  /** Takes `chooseSameChannel`: a Discord button belongs to the account that made it. */
  chooseSameChannel: boolean;
  /** Takes links where images go; the others want data URIs. */
  links: boolean;
  code21: "modal" | "shape";
  /** How a button is pressed: by customId, or by index where the finished task had no buttons (novicezk). */
  change: "change" | "simple-change" | undefined;
  notifyHook: ProviderCapabilities["notifyHook"];
  /**
   * The lists in which a task can be found by our `state`, each asked for where the one before is not there. Empty: the
   * vendor has none, or a relay of its kind shows its own rows without `state`.
   */
  search: readonly SearchVerb[];
  instantActions: readonly string[];
}

/** Which of the two lists a vendor has is said by `search`. */
export const EVERY_VERB = (Object.keys(ROUTES) as Verb[]).filter((verb) => verb !== "query" && verb !== "recent");

export function dialect(form: Pick<Dialect, "id" | "title" | "sources"> & Partial<Dialect>): Dialect {
  return {
    prefix: "/mj",
    auth: "bearer",
    verbs: EVERY_VERB,
    mode: "path",
    modePrefix: (mode) => `/mj-${mode}/mj`,
    accountFilter: true,
    chooseSameChannel: true,
    links: true,
    code21: "modal",
    change: undefined,
    notifyHook: "documented",
    search: [],
    instantActions: [],
    ...form,
  };
}

const ROOTS: readonly RootAction[] = ["imagine", "blend", "describe", "shorten", "swap-face"];

export function abilitiesOf(dialect: Dialect): ProviderCapabilities {
  return {
    notifyHook: dialect.notifyHook,
    listByCondition: dialect.verbs.includes("list"),
    searchByState: dialect.search.length > 0,
    instantActions: dialect.instantActions,
    rootActions: ROOTS.filter((action) => dialect.verbs.includes(action)),
    modes: ["fast", "relax", "turbo"],
    seed: dialect.verbs.includes("seed"),
  };
}

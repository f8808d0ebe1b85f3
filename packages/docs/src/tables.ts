/**
 * The tables in docs/ that say what the code does. A document has a table between two comments: the name of the table, and
 * `end of table`. `npm run docs:tables` writes them, and a test compares them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { SHARE } from "@mjflow/core/access-token";
import { actionOfPress, isUnsupportedName, LABELS, modalKindOf } from "@mjflow/core/button";
import { BANNED, MAX_RUNNING, REQUEST, STREAMS, TRANSLATION } from "@mjflow/core/limit";
import type { ProviderCapabilities } from "@mjflow/core/port";
import { PRESS_NAMES } from "@mjflow/core/press-name";
import { estimateUsd } from "@mjflow/core/price";
import { OPTIONAL_FIELDS, ROOT_ACTIONS } from "@mjflow/core/root-action";
import { UPLOAD } from "@mjflow/core/upload";
import { capabilitiesOf, type Dialect } from "@mjflow/providers/dialect";
import { ABOUT } from "@mjflow/providers/families/about";
import { FORMS } from "@mjflow/providers/families/index";
import type { Form } from "@mjflow/providers/family";
import { DIALECTS } from "@mjflow/providers/vendors/index";
import { code, table } from "./markdown.ts";

/** A vendor of any family, as far as the tables show it. */
interface Vendor {
  id: string;
  family: string;
  can: ProviderCapabilities;
  /** How the vendor is asked for the remix modal, and how it animates. */
  remix: string;
  animates: string;
  wire: readonly (readonly [name: string, value: string])[];
  unproven: readonly (readonly [name: string, says: string])[];
}

const MODE = {
  path: "as a path prefix",
  accountFilter: "in `accountFilter.modes`",
  prompt: "as a flag in the prompt",
};
const CALLBACKS = { documented: "documented", unknown: "not documented; mjflow observes each account" };
const REMIX = {
  enableRemix: "`enableRemix`",
  accountFilter: "`accountFilter.remix`",
  none: "only the account's setting",
};
const MASKS = { image: "an image", webp: "a WebP image", polygons: "polygons, so mjflow sends none" };

const yes = (is: boolean) => (is ? "yes" : "no");
const list = (values: readonly string[]) => (values.length === 0 ? "none" : values.map(code).join(", "));
const VENDORS: readonly Vendor[] = [...[...DIALECTS.values()].map(ofDialect), ...[...FORMS.values()].map(ofForm)];

// ── presses ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Buttons that have no label of their own in `LABELS`. */
const SHOWN: Record<string, string> = {
  upscale: "U1 … U4",
  variation: "V1 … V4",
  video: "U1 … U4 of several videos",
  tile: "one image of the grid, made by mjflow",
  describe: "the numbered results",
  shorten: "the numbered results",
  "describe:all": "Imagine all 🎉",
  "describe:retry": "🔄 of a describe",
  "shorten:details": "details of a shorten",
};

function labelsOf(name: string): string {
  const [kind = ""] = name.split(":");
  if (/:1$/.test(name)) return SHOWN[kind]!;
  const labels = [...LABELS].filter(([label, named]) => named === name && label !== name).map(([label]) => label);
  return (
    SHOWN[name] ?? labels.map((label) => label.replace(/(^|[( ])([a-z])/g, (_, a, b) => a + b.toUpperCase())).join(", ")
  );
}

function usd(amount: number): string {
  return amount === 0 ? "free" : `$${amount}`;
}

const PROMPT = { always: "yes: it always opens a modal", remix: "yes, if the vendor opens a modal", never: "no" };

function pressTable(): string {
  const rows = PRESS_NAMES.map(({ name, last, all }) => {
    const action = actionOfPress(name);
    const price = estimateUsd({ action, pace: action === "VIDEO" ? "video" : "fast" });
    const never = VENDORS.filter(({ can }) => isUnsupportedName(name, can.unsupportedPresses));
    return [
      `${code(name)}${last === undefined ? "" : ` … ${code(last)}`}${all === undefined ? "" : `, ${code(all)}`}`,
      labelsOf(name),
      code(action),
      PROMPT[modalKindOf(name) ?? "never"],
      never.length === VENDORS.length ? "no vendor" : usd(price),
      never.length === VENDORS.length ? "all" : never.map(({ id }) => id).join(", "),
    ];
  });
  return table(["press name", "button", "action of the task", "prompt", "estimate, fast", "not at"], rows);
}

// ── vendors ────────────────────────────────────────────────────────────────────────────────────────────────────────

function ofDialect(dialect: Dialect): Vendor {
  const { id, mode, prefix, auth, change, remix, videoBy } = dialect;
  return {
    id,
    family: "mjproxy",
    can: capabilitiesOf(dialect),
    remix: REMIX[remix],
    animates: videoBy === "submit" ? "a video request" : "the button",
    wire: [
      ["paths below the base URL", code(mode === "path" ? `${prefix}, ${dialect.modePrefix("fast")} …` : prefix)],
      ["API key in", auth === "bearer" ? "`Authorization: Bearer …`" : "`mj-api-secret`"],
      ["mode is sent", MODE[mode]],
      ["presses by", change === undefined ? "`customId`" : "`customId`, or by index if a task has no buttons"],
    ],
    unproven: [],
  };
}

function ofForm({ id, capabilities: can }: Form): Vendor {
  const { wire, unproven } = ABOUT[id]!;
  return {
    id,
    family: id,
    can,
    remix: "not at all",
    animates: isUnsupportedName("animate:high", can.unsupportedPresses) ? "nothing" : "the button",
    wire: [
      ["paths below the base URL", code(wire.paths)],
      ["API key in", wire.key],
      ["mode is sent", wire.mode],
      ["presses by", wire.presses],
    ],
    unproven: Object.entries(unproven),
  };
}

/** Pairs of the first column and of the column of a vendor. */
function abilitiesOf({ family, can, remix, animates, wire, unproven }: Vendor): (readonly [string, string])[] {
  const { modalPresses } = can;
  const answers = can.modals ? `yes${modalPresses ? `, for ${list(modalPresses)}` : ""}` : "no";
  return [
    ["protocol family", code(family)],
    ["root actions", list(can.rootActions)],
    ["modes", list(can.modes)],
    ["optional fields", list(can.optionalFields)],
    ["actions that need a prompt", list(can.promptActions)],
    ["presses that it never makes", list(can.unsupportedPresses)],
    ["modal answers", answers],
    ["masks", can.modals || can.optionalFields.includes("maskBase64") ? MASKS[can.masks ?? "image"] : "none"],
    ["asks for the remix modal with", remix],
    ["animations by", animates],
    ["images as links", yes(can.imageLinks)],
    ["images only as data URIs", list(can.dataOnly ?? [])],
    ["images only as links", list(can.linksOnly ?? [])],
    ["face swap with links", yes(can.swapLinks)],
    ["four separate pictures with a grid", yes(can.separateImages ?? false)],
    ["seed of an image", yes(can.seed)],
    ["callbacks", CALLBACKS[can.notifyHook]],
    ["progress", progressOf(can)],
    ["idempotency key", yes(can.idempotencyKey ?? false)],
    ["look-up of many tasks in one request", yes(can.listByCondition)],
    ["a lost submission can be found", yes(can.searchByState)],
    ...wire,
    ...unproven.map(([name, says]) => [`off: ${code(name)}`, says] as const),
  ];
}

function progressOf({ endOnly, lookupProgress }: ProviderCapabilities): string {
  if (!endOnly) return "callbacks";
  return lookupProgress ? "look-ups" : "none";
}

function vendorTable(id: string): string {
  const vendor = VENDORS.find((each) => each.id === id);
  if (vendor === undefined) throw new Error(`There is no vendor ${id}`);
  return table(["", id], abilitiesOf(vendor));
}

/** The abilities that differ, with one column for each vendor. */
function abilityTable(): string {
  const each = (of: (can: ProviderCapabilities) => string) => VENDORS.map(({ can }) => of(can));
  const rows = [
    ["family", ...VENDORS.map(({ family }) => family)],
    ...ROOT_ACTIONS.map((action) => [
      code(action),
      ...each(({ rootActions, promptActions }) => {
        if (!rootActions.includes(action)) return "no";
        return promptActions.includes(action) ? "needs a prompt" : "yes";
      }),
    ]),
    ...OPTIONAL_FIELDS.map((field) => [code(field), ...each((can) => yes(can.optionalFields.includes(field)))]),
    ["modes", ...each(({ modes }) => modes.join(" "))],
    [
      "modal answers",
      ...each(({ modals, modalPresses }) => (modals ? (modalPresses?.map(code).join(" ") ?? "yes") : "no")),
    ],
    ["never pressed", ...each((can) => can.unsupportedPresses.map(code).join(" "))],
    ["images as links", ...each((can) => yes(can.imageLinks))],
    ["four separate pictures", ...each((can) => yes(can.separateImages ?? false))],
    ["seed", ...each((can) => yes(can.seed))],
    ["callbacks", ...each((can) => (can.notifyHook === "documented" ? "documented" : "observed"))],
    ["progress", ...each(progressOf)],
    ["idempotency key", ...each((can) => yes(can.idempotencyKey ?? false))],
    ["look-up in batches", ...each((can) => yes(can.listByCondition))],
    ["a lost submission can be found", ...each((can) => yes(can.searchByState))],
  ];
  return table(["", ...VENDORS.map(({ id }) => `[${id}](vendors/${id}.md)`)], rows);
}

// ── limits and prices ──────────────────────────────────────────────────────────────────────────────────────────────

function priceTable(): string {
  const paces = ["relax", "fast", "turbo"] as const;
  const row = (name: string, action: string) => [name, ...paces.map((pace) => usd(estimateUsd({ action, pace })))];
  return table(
    ["task", ...paces],
    [
      row("imagine, blend, edit, retexture; variation, vary, zoom, pan, reroll", "IMAGINE"),
      row("upscale", "UPSCALE"),
      row("describe, shorten, swap-face", "DESCRIBE"),
      [
        "video, animate, extend",
        ...["relax", "fast"].map(() => usd(estimateUsd({ action: "VIDEO", pace: "video" }))),
        "not possible",
      ],
      row("tile", "TILE"),
    ],
  );
}

const kb = (bytes: number) => (bytes >= 1024 ** 2 ? `${bytes / 1024 ** 2} MB` : `${bytes / 1024} KB`);

function limitTable(): string {
  return table(
    ["what", "limit", "if it is exceeded"],
    [
      ["body of a request", kb(REQUEST.bodyBytes), "413 `too_large`"],
      ["`prompt`", `${kb(REQUEST.promptBytes)} in UTF-8`, "400 `invalid_request`"],
      ["different prompts of a request to translate", String(TRANSLATION.prompts), "400"],
      ["`state`", `${kb(REQUEST.stateBytes)} in UTF-8`, "400"],
      ["images of one root", String(REQUEST.images), "400"],
      ["presses of a plan, over all levels", String(REQUEST.planPresses), "400"],
      ["levels of a plan", String(REQUEST.planDepth), "400"],
      ["stored plan without its images", `${REQUEST.planBytes / 1000} kB`, "400"],
      ["`notifyHook` and other URLs", `${REQUEST.urlLength} characters`, "400"],
      [
        "uploads that an app announces in an hour",
        `${UPLOAD.uploadsPerHour}, with together ${UPLOAD.bytesPerHour / 1e9} GB`,
        "429 `too_many_uploads`",
      ],
      [
        "event streams and held requests of an app",
        `${STREAMS.perApp}; local server ${STREAMS.local.perApp}`,
        "429 `too_many_streams`",
      ],
      [
        "event streams and held requests of a deployment",
        `${STREAMS.perDeployment}; local server ${STREAMS.local.perDeployment}`,
        "429",
      ],
      ["share links of a flow", String(SHARE.perFlow), "409 `limit_reached`"],
      ["reads of a share link in a minute", `${SHARE.readsPerMinute} in each process`, "429 `too_many_reads`"],
      ["`maxRunning` of a vendor account", String(MAX_RUNNING), "400"],
      ["banned words", `${BANNED.words} of ${BANNED.wordLength} characters`, "400"],
    ],
  );
}

// ── documents ──────────────────────────────────────────────────────────────────────────────────────────────────────

const TABLES: Record<string, () => string> = {
  presses: pressTable,
  abilities: abilityTable,
  prices: priceTable,
  limits: limitTable,
  ...Object.fromEntries(VENDORS.map(({ id }) => [`vendor ${id}`, () => vendorTable(id)])),
};

const PLACE = /<!-- table: ([\w -]+) -->\n[\s\S]*?<!-- end of table -->/g;

/** Returns the document with its tables as the code has them. @throws Error if a table has an unknown name */
export function withTables(text: string): string {
  return text.replace(PLACE, (_, name: string) => {
    const build = TABLES[name];
    if (build === undefined) throw new Error(`There is no table "${name}"`);
    return `<!-- table: ${name} -->\n\n${build()}\n\n<!-- end of table -->`;
  });
}

/** Documents that have tables. */
export const WITH_TABLES = ["flows", "vendors", "limits", ...VENDORS.map(({ id }) => `vendors/${id}`)].map(
  (name) => `docs/${name}.md`,
);

if (import.meta.main) {
  for (const name of WITH_TABLES) {
    const file = new URL(`../../../${name}`, import.meta.url);
    writeFileSync(file, withTables(readFileSync(file, "utf8")));
  }
}

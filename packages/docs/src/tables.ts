/**
 * The tables in docs/ that say what the code does. A document has a table between two comments: the name of the table, and
 * `end of table`. `npm run docs:tables` writes them, and a test compares them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { actionOfPress, isUnsupportedName, LABELS, modalKindOf } from "@mjflow/core/button";
import { BANNED, MAX_RUNNING, REQUEST, STREAMS } from "@mjflow/core/limit";
import { PRESS_NAMES } from "@mjflow/core/press-name";
import { estimateUsd } from "@mjflow/core/price";
import { OPTIONAL_FIELDS, ROOT_ACTIONS } from "@mjflow/core/root-action";
import { capabilitiesOf, type Dialect } from "@mjflow/providers/dialect";
import { DIALECTS } from "@mjflow/providers/vendors/index";
import { code, table } from "./markdown.ts";

const VENDORS = [...DIALECTS.values()];
const yes = (is: boolean) => (is ? "yes" : "no");
const list = (values: readonly string[]) => (values.length === 0 ? "none" : values.map(code).join(", "));

// ── presses ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Buttons that have no label of their own in `LABELS`. */
const SHOWN: Record<string, string> = {
  upscale: "U1 … U4",
  variation: "V1 … V4",
  video: "U1 … U4 of several videos",
  tile: "one image of the grid, cut by mjflow",
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
    const never = VENDORS.filter(({ unsupportedPresses }) => isUnsupportedName(name, unsupportedPresses));
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

/** What mjflow can ask of a vendor: the name of an ability, and its value for a dialect. */
const ABILITIES: readonly (readonly [string, (dialect: Dialect) => string])[] = [
  ["root actions", (d) => list(capabilitiesOf(d).rootActions)],
  ["optional fields", (d) => list(capabilitiesOf(d).optionalFields)],
  ["actions that need a prompt", (d) => list(d.promptActions)],
  ["presses that it never makes", (d) => list(d.unsupportedPresses)],
  ["modal answers", (d) => yes(capabilitiesOf(d).modals)],
  ["asks for the remix modal with", (d) => REMIX[d.remix]],
  ["animations by", (d) => (d.videoBy === "submit" ? "a video request" : "the button")],
  ["images as links", (d) => yes(d.links)],
  ["face swap with links", (d) => yes(d.swapLinks)],
  ["seed of an image", (d) => yes(capabilitiesOf(d).seed)],
  ["callbacks (`notifyHook`)", (d) => CALLBACKS[d.notifyHook]],
  ["look-up of many tasks in one request", (d) => yes(capabilitiesOf(d).listByCondition)],
  ["a lost submission can be found", (d) => yes(capabilitiesOf(d).searchByState)],
];

/** How mjflow talks to a vendor. */
const WIRE: readonly (readonly [string, (dialect: Dialect) => string])[] = [
  ["paths below the base URL", (d) => code(d.mode === "path" ? `${d.prefix}, ${d.modePrefix("fast")} …` : d.prefix)],
  ["API key in", (d) => (d.auth === "bearer" ? "`Authorization: Bearer …`" : "`mj-api-secret`")],
  ["mode is sent", (d) => MODE[d.mode]],
  ["presses by", (d) => (d.change === undefined ? "`customId`" : "`customId`, or by index if a task has no buttons")],
];

function vendorTable(id: string): string {
  const dialect = DIALECTS.get(id);
  if (dialect === undefined) throw new Error(`There is no vendor ${id}`);
  return table(
    ["", id],
    [...ABILITIES, ...WIRE].map(([name, of]) => [name, of(dialect)]),
  );
}

/** The abilities that differ, with one column for each vendor. */
function abilityTable(): string {
  const rows = [
    ...ROOT_ACTIONS.map((action) => [
      code(action),
      ...VENDORS.map((d) => {
        if (!capabilitiesOf(d).rootActions.includes(action)) return "no";
        return d.promptActions.includes(action) ? "needs a prompt" : "yes";
      }),
    ]),
    ...OPTIONAL_FIELDS.map((field) => [code(field), ...VENDORS.map((d) => yes(d.optionalFields.includes(field)))]),
    ["modal answers", ...VENDORS.map((d) => yes(capabilitiesOf(d).modals))],
    ["never pressed", ...VENDORS.map((d) => d.unsupportedPresses.map(code).join(" "))],
    ["images as links", ...VENDORS.map((d) => yes(d.links))],
    ["seed", ...VENDORS.map((d) => yes(capabilitiesOf(d).seed))],
    ["callbacks", ...VENDORS.map((d) => (d.notifyHook === "documented" ? "documented" : "observed"))],
    ["look-up in batches", ...VENDORS.map((d) => yes(capabilitiesOf(d).listByCondition))],
    ["search by `state`", ...VENDORS.map((d) => yes(capabilitiesOf(d).searchByState))],
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
      ["`state`", `${kb(REQUEST.stateBytes)} in UTF-8`, "400"],
      ["images of one root", String(REQUEST.images), "400"],
      ["presses of a plan, over all levels", String(REQUEST.planPresses), "400"],
      ["levels of a plan", String(REQUEST.planDepth), "400"],
      ["stored plan without its images", `${REQUEST.planBytes / 1000} kB`, "400"],
      ["`notifyHook` and other URLs", `${REQUEST.urlLength} characters`, "400"],
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

/**
 * The rules of all submit verbs for all vendors: the decision for a body, or the reason of its rejection. Pure: it reads
 * tasks through `View` and changes nothing. docs/protocol.md 1.3 to 1.13 describes the bodies, and 2 the rejections.
 */

import { buttonsOf, type Press, pressOf } from "./button.ts";
import type { Dialect, SubmitVerb } from "./dialect.ts";
import { type Fields, field, isFields, text, texts } from "./json.ts";
import type { Refusal } from "./response.ts";
import type { Mode } from "./route.ts";
import { bannedWordIn, type Directive, directivesIn, type Scenario } from "./scenario.ts";
import { type Action, isEnded, isPressable, type ResultKind, type Task, type TaskOutcome } from "./task.ts";

export interface View {
  dialect: Dialect;
  scenario: Scenario;
  /** Returns the task as the vendor currently sees it. Behind a relay this may be a past state. */
  task(id: string): Task | undefined;
  /** Returns the actual state of the task. A relay forwards the verb modal, so its own copy does not matter. */
  actual(id: string): Task | undefined;
  /** Returns an existing upscale of the same image, for legacy vendors. */
  existingUpscale(parentId: string, index: number): Task | undefined;
}

/** A task before it has an id and a time. */
export interface Draft {
  action: Action;
  result: ResultKind;
  prompt: string | null;
  state: string | null;
  notifyHook: string | null;
  botType: string;
  mode: Mode;
  parent?: Task;
  customId?: string;
  label: string;
  index: number;
  modal: boolean;
  ending: TaskOutcome;
  pace: number;
  /** Number of tasks to create; more than 1 only for "Imagine all". */
  count: number;
  /** Number of videos that were requested; unset: four. */
  videos?: number;
  /** Body of the request, for vendors that show it with the task. */
  request?: Fields;
  /** True if the client asked for callbacks with progress; for vendors where a request decides this. */
  sendsProgress?: boolean;
  /** True if the task is created and fails in the same moment. */
  failsAtOnce?: boolean;
}

export type Decision =
  | { kind: "create"; draft: Draft }
  | { kind: "reopen"; task: Task; prompt: string | null; ending: TaskOutcome; pace: number }
  | { kind: "existing"; task: Task }
  | { kind: "upload"; count: number }
  | { kind: "refuse"; refusal: Refusal; parentId?: string; customId?: string; action?: Action };

export function decide(verb: SubmitVerb, body: Fields, mode: Mode | null, view: View): Decision {
  const common = commonOf(body, mode, view);
  if ("kind" in common) return { kind: "refuse", refusal: common };
  return RULES[verb](body, common, view);
}

type Common = Pick<Draft, "state" | "notifyHook" | "botType" | "mode">;
type Rule = (body: Fields, common: Common, view: View) => Decision;

const RULES: Readonly<Record<SubmitVerb, Rule>> = {
  imagine(body, common, view) {
    const prompt = text(body, "prompt");
    if (prompt === undefined) return invalid("prompt不能为空", "prompt_is_required");
    const images = texts(body, "base64Array") ?? [];
    if (!images.every((image) => isImage(image, view))) return invalid("base64格式错误");
    return root("IMAGINE", "grid", prompt, common, view);
  },

  blend(body, common, view) {
    const images = texts(body, "base64Array");
    if (!images || images.length < 2 || images.length > 5) return invalid("base64List参数错误");
    if (!images.every((image) => isImage(image, view))) return invalid("base64格式错误");
    const dimensions = field(body, "dimensions") ?? "SQUARE";
    if (!["PORTRAIT", "SQUARE", "LANDSCAPE"].includes(String(dimensions))) return invalid("dimensions参数错误");
    return root("BLEND", "grid", null, common, view);
  },

  describe(body, common, view) {
    const image = text(body, "base64") ?? (view.dialect.reads.links ? text(body, "link") : undefined);
    if (image === undefined) return invalid("base64不能为空");
    if (!isImage(image, view)) return invalid("base64格式错误");
    return root("DESCRIBE", "describe", null, common, view);
  },

  shorten(body, common, view) {
    const prompt = text(body, "prompt");
    return prompt === undefined
      ? invalid("prompt不能为空", "prompt_is_required")
      : root("SHORTEN", "shorten", prompt, common, view);
  },

  "swap-face"(body, common, view) {
    const link = (name: string) => (view.dialect.swapLinks ? text(body, name) : undefined);
    const faces = [text(body, "sourceBase64") ?? link("sourceUrl"), text(body, "targetBase64") ?? link("targetUrl")];
    if (faces.some((face) => face === undefined || !isImage(face, view)))
      return invalid("sourceBase64、targetBase64参数错误", "sour_base64_and_target_base64_is_required");
    return root("SWAP_FACE", "plain", null, { ...common, botType: "INSIGHT_FACE" }, view);
  },

  upload(body, _common, view) {
    const images = texts(body, "base64Array");
    if (!images || images.length === 0 || images.length > 20) return invalid("base64Array参数错误");
    return images.every((image) => isImage(image, view))
      ? { kind: "upload", count: images.length }
      : invalid("base64格式错误");
  },

  edits: (body, common, view) => edited("EDITS", body, common, view),
  retexture: (body, common, view) => edited("RETEXTURE", body, common, view),

  video(body, common, view) {
    const { dialect } = view;
    const motion = field(body, "motion") ?? (dialect.video.needsMotion ? undefined : "low");
    if (motion !== "low" && motion !== "high") return invalid("motion参数错误");
    const prompt = text(body, "prompt") ?? null;
    if (dialect.video.needsPrompt && prompt === null) return invalid("prompt不能为空");
    if (field(body, "action") === undefined) {
      const videos = dialect.video.options ? (field(body, "batchSize") ?? 4) : 4;
      if (videos !== 1 && videos !== 2 && videos !== 4) return invalid("batchSize参数错误");
      const images = [text(body, "image"), dialect.video.options ? text(body, "endImage") : undefined];
      if (images[0] === undefined || !images.every((image) => image === undefined || isImage(image, view))) {
        return invalid("image参数错误");
      }
      const made = root("VIDEO", "video", prompt, common, view);
      return made.kind === "create" ? { ...made, draft: { ...made.draft, videos } } : made;
    }
    const index = Number(field(body, "index"));
    if (field(body, "action") !== "extend" || !Number.isInteger(index) || index < 0 || index > 3) {
      return invalid("index参数错误", "index_is_required");
    }
    // This index starts at 0; all other indexes start at 1 (docs/protocol.md 1.12).
    const press: Press = { action: "VIDEO", result: "video", index: index + 1, label: "Extend", modal: "never" };
    return child(body, press, `extend::${index}`, prompt, common, view);
  },

  action(body, common, view) {
    const customId = text(body, "customId");
    if (customId === undefined) return invalid("customId不能为空");
    const press = pressOf(customId);
    const known = press && (press.all !== true || view.dialect.imagineAll) && !view.dialect.refusesPress(customId);
    const parentId = taskIdOf(body);
    if (!known) {
      return {
        kind: "refuse",
        refusal: { kind: "unknown-action", customId },
        customId,
        ...(parentId ? { parentId } : {}),
      };
    }
    return child(body, press, customId, null, common, view);
  },

  change(body, common, view) {
    const action = field(body, "action");
    const index = Number(field(body, "index") ?? 0);
    if (action !== "UPSCALE" && action !== "VARIATION" && action !== "REROLL") return invalid("action参数错误");
    if (action !== "REROLL" && !(Number.isInteger(index) && index >= 1 && index <= 4)) {
      return invalid("index参数错误", "index_is_required");
    }
    return changed(body, action, action === "REROLL" ? 0 : index, common, view);
  },

  "simple-change"(body, common, view) {
    const match = /^(\S+)\s+(?:([UV])([1-4])|R)$/u.exec(text(body, "content")?.trim() ?? "");
    if (!match) return invalid("content参数错误");
    const action = match[2] === "U" ? "UPSCALE" : match[2] === "V" ? "VARIATION" : "REROLL";
    return changed({ ...body, taskId: match[1] }, action, Number(match[3] ?? 0), common, view);
  },

  modal(body, _common, view) {
    const id = taskIdOf(body);
    if (id === undefined) return invalid("taskId不能为空");
    if (view.dialect.strictTaskId && typeof field(body, "taskId") === "number") return refuse({ kind: "unreadable" });
    const task = view.actual(id);
    if (!task) return { ...refuse({ kind: "parent-missing" }), parentId: id };
    const running = !isEnded(task.status) && task.status !== "MODAL";
    if (running || (view.dialect.modalChecksStatus && task.status !== "MODAL")) {
      return { ...refuse({ kind: "not-success" }), parentId: id, action: task.action };
    }
    const prompt = text(body, "prompt") ?? task.prompt;
    if (prompt === null) return invalid("prompt不能为空", "prompt_is_required");
    const outcome = outcomeOf(prompt, view);
    if ("kind" in outcome) return { kind: "refuse", refusal: outcome, parentId: id };
    return { kind: "reopen", task, prompt, pace: outcome.pace, ending: zoomEnding(task, prompt) ?? outcome.ending };
  },
};

function edited(action: "EDITS" | "RETEXTURE", body: Fields, common: Common, view: View): Decision {
  const prompt = text(body, "prompt");
  const image = text(body, "image");
  const mask = text(body, "maskBase64");
  if (prompt === undefined) return invalid("prompt不能为空", "prompt_is_required");
  if (image === undefined || !isImage(image, view)) return invalid("image参数错误");
  if (mask !== undefined && !DATA_URI.test(mask)) return invalid("base64格式错误");
  return root(action, "grid", prompt, common, view);
}

/** Creates a root task from a prompt or from images. */
function root(action: Action, result: ResultKind, prompt: string | null, common: Common, view: View): Decision {
  const outcome = outcomeOf(prompt ?? "", view);
  if ("kind" in outcome) return { kind: "refuse", refusal: outcome, action };
  const turboVideo = action === "VIDEO" && common.mode === "TURBO";
  return {
    kind: "create",
    draft: {
      ...common,
      action,
      result,
      prompt,
      label: "",
      index: 0,
      modal: outcome.words.has("modal"),
      ending: turboVideo ? NO_TURBO_VIDEO : outcome.ending,
      pace: outcome.pace,
      count: 1,
      notifyHook: outcome.words.has("silent") ? null : common.notifyHook,
    },
  };
}

/** Midjourney makes no videos in turbo mode. */
const NO_TURBO_VIDEO: TaskOutcome = {
  kind: "failure",
  share: 0.1,
  reason: "Turbo mode isn't supported for video jobs",
};

/** Creates a child by a press on a finished task. The same press twice creates two tasks (docs/protocol.md 1.5). */
function child(
  body: Fields,
  press: Press,
  customId: string,
  prompt: string | null,
  common: Common,
  view: View,
): Decision {
  const { dialect, scenario } = view;
  const parentId = taskIdOf(body);
  if (parentId === undefined) return invalid("taskId不能为空");
  if (dialect.strictTaskId && typeof field(body, "taskId") === "number") return refuse({ kind: "unreadable" });
  const parent = view.task(parentId);
  const seen = { parentId, customId, action: press.action };
  if (!parent) return { ...refuse({ kind: "parent-missing" }), ...seen };
  if (!isPressable(parent)) return { ...refuse({ kind: "not-success" }), ...seen };
  if (scenario.legacyExisting && press.action === "UPSCALE") {
    const existing = view.existingUpscale(parentId, press.index);
    if (existing) return { kind: "existing", task: existing };
  }
  const requested = dialect.reads.enableRemix && field(body, "enableRemix") === true;
  const filter = field(body, "accountFilter");
  const filtered = dialect.reads.accountFilter && isFields(filter) && field(filter, "remix") === true;
  const remix = scenario.remix === true || requested || filtered;
  const offered =
    customId.startsWith("extend::") || /^[UVR][0-4]?$/u.test(customId) || isOffered(parent, customId, dialect);
  return {
    kind: "create",
    draft: {
      ...common,
      action: nameOf(press.action, parent, dialect),
      result: press.result,
      prompt: prompt ?? parent.prompt ?? linePromptOf(press),
      parent,
      customId,
      label: press.label,
      index: press.index,
      modal: press.modal === "always" || (press.modal === "remix" && remix),
      // Vendors check only the syntax of the customId. Discord then rejects a component that the message does not have.
      ending:
        press.action === "VIDEO" && common.mode === "TURBO"
          ? NO_TURBO_VIDEO
          : offered
            ? { kind: "success" }
            : { kind: "failure", share: 0.2, reason: "[Invalid component] 按钮已失效" },
      pace: 1,
      count: press.all ? 4 : 1,
      // Children of "Imagine all" have no notifyHook (docs/protocol.md 4.5).
      notifyHook: press.all ? null : common.notifyHook,
    },
  };
}

const CHANGEABLE = new Set<Action>(["IMAGINE", "VARIATION", "REROLL", "BLEND"]);

function changed(
  body: Fields,
  action: "UPSCALE" | "VARIATION" | "REROLL",
  index: number,
  common: Common,
  view: View,
): Decision {
  const label = action === "UPSCALE" ? `U${index}` : action === "VARIATION" ? `V${index}` : "R";
  const press: Press = { action, index, label, result: action === "UPSCALE" ? "single" : "grid", modal: "never" };
  const parent = view.task(taskIdOf(body) ?? "");
  if (parent && isPressable(parent) && !CHANGEABLE.has(parent.action)) {
    return { ...invalid("关联任务不允许执行变化"), parentId: parent.id, customId: label, action };
  }
  return child(body, press, label, null, common, view);
}

function isOffered(parent: Task, customId: string, dialect: Dialect): boolean {
  return buttonsOf(parent, dialect.row, dialect.buttonStyle).some((button) => button.customId === customId);
}

function nameOf(action: Action, parent: Task, dialect: Dialect): Action {
  if (action === "REROLL" && dialect.rerollKeepsAction) return parent.action === "UPSCALE" ? "IMAGINE" : parent.action;
  return dialect.actionNames[action] ?? action;
}

/** Returns the prompt of a child of a describe, which has no prompt itself. */
const linePromptOf = (press: Press): string => `a painted shore at dusk, line ${press.index || 1}`;

/** Custom Zoom needs `--zoom x` with 1 <= x <= 2 (docs/protocol.md 4.2). */
function zoomEnding(task: Task, prompt: string): TaskOutcome | undefined {
  if (!task.customId?.includes("CustomZoom")) return undefined;
  const zoom = Number(/--zoom\s+([0-9.]+)/u.exec(prompt)?.[1]);
  if (zoom >= 1 && zoom <= 2) return undefined;
  return { kind: "failure", share: 0.2, reason: "[Invalid parameter] `--zoom` must be between 1 and 2" };
}

interface Outcome {
  ending: TaskOutcome;
  pace: number;
  words: Set<Directive>;
}

/** Returns the outcome of a prompt from its banned words and its `--sim` directives. */
function outcomeOf(prompt: string, view: View): Outcome | Refusal {
  const words = directivesIn(prompt);
  const word = bannedWordIn(prompt, view.scenario) ?? (words.has("banned") ? "banned" : undefined);
  if (word !== undefined && view.dialect.bannedWords === "refuse") return { kind: "banned", word, prompt };
  if (words.has("queue-full")) return { kind: "queue-full" };
  return { ending: endingOf(words, word), pace: words.has("slow") ? 10 : 1, words };
}

function endingOf(words: Set<Directive>, bannedWord: string | undefined): TaskOutcome {
  if (bannedWord !== undefined) return { kind: "failure", share: 0.1, reason: "可能包含敏感词", word: bannedWord };
  if (words.has("fail")) {
    return { kind: "failure", share: 0.4, reason: "[Invalid parameter] Unrecognized parameter(s): `--sim fail`" };
  }
  if (words.has("moderated")) {
    return { kind: "failure", share: 0.6, reason: "Banned prompt detected", cause: "moderated" };
  }
  if (words.has("timeout")) return { kind: "failure", share: 1, reason: "任务超时" };
  if (words.has("cancel")) return { kind: "cancel" };
  return words.has("stuck") ? { kind: "stuck" } : { kind: "success" };
}

function commonOf(body: Fields, mode: Mode | null, view: View): Common | Refusal {
  const { limits, reads } = view.dialect;
  const state = typeof field(body, "state") === "string" ? String(field(body, "state")) : null;
  const hook = text(body, "notifyHook") ?? null;
  if (state !== null && state.length > limits.state) {
    return { kind: "limit", text: `State参数过长，最大${limits.state}字符` };
  }
  if (hook !== null && hook.length > limits.notifyHook) {
    return { kind: "limit", text: `NotifyHook参数过长，最大${limits.notifyHook}字符` };
  }
  const filter = field(body, "accountFilter");
  const modes = reads.accountFilter && isFields(filter) ? texts(filter, "modes") : undefined;
  const flag = /--(relax|fast|turbo)\b/u.exec(text(body, "prompt") ?? "")?.[1];
  return {
    state: reads.state ? state : null,
    notifyHook: reads.notifyHook && !view.scenario.silent ? hook : null,
    botType: botTypeOf(text(body, "botType")),
    // The path has priority over accountFilter, and accountFilter over the prompt flag (docs/protocol.md 1.1, trueai).
    mode: mode ?? modeOf(modes?.[0]) ?? modeOf(flag) ?? "FAST",
  };
}

function modeOf(word: string | undefined): Mode | undefined {
  const upper = word?.toUpperCase();
  return upper === "RELAX" || upper === "FAST" || upper === "TURBO" ? upper : undefined;
}

const botTypeOf = (word: string | undefined): string =>
  word?.toLowerCase().startsWith("niji") ? "NIJI_JOURNEY" : "MID_JOURNEY";

/** Returns the task id as a string. Some clients send a number, which most servers convert. */
function taskIdOf(body: Fields): string | undefined {
  const value = field(body, "taskId");
  return typeof value === "number" ? String(value) : text(body, "taskId");
}

const DATA_URI = /^data:image\/[a-z0-9.+-]+;base64,[A-Za-z0-9+/]+={0,2}$/u;

function isImage(image: string, view: View): boolean {
  // Most servers also accept a link, while novicezk needs a data URI (docs/protocol.md 1.3).
  return DATA_URI.test(image) || (view.dialect.reads.links && /^https?:\/\/\S+$/u.test(image));
}

function invalid(message: string, relayText?: string): Decision & { kind: "refuse" } {
  return refuse({ kind: "invalid", text: message, ...(relayText ? { relayText } : {}) });
}

function refuse(refusal: Refusal): Decision & { kind: "refuse" } {
  return { kind: "refuse", refusal };
}

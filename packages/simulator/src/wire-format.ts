/**
 * Task objects in the format of a vendor, for fetch and callbacks (docs/protocol.md 3.1). Pure: it converts a task, a
 * dialect and the address of this server to a JSON object.
 */
import { type Button, buttonsOf } from "./button.ts";
import type { Dialect, Shape } from "./dialect.ts";
import type { Fields } from "./json.ts";
import { snowflakeOf } from "./random.ts";
import { isEnded, type Task } from "./task.ts";

/** Origin of this server for image links, for example `http://127.0.0.1:4700`. */
export type Origin = string;

export interface TaskView {
  task: Task;
  /** True if a relay has not yet polled its upstream: status and state are empty (docs/protocol.md 5.5). */
  notPolled?: boolean;
}

export function toWireTask(view: TaskView, dialect: Dialect, origin: Origin, shape: Shape = dialect.shape): Fields {
  const wire = SHAPES[shape](view, dialect, origin);
  const { task } = view;
  const texts = task.result === "describe" && task.status === "SUCCESS" ? dialect.describeTexts : [];
  const word = view.notPolled ? undefined : dialect.statusWords[task.status];
  return {
    ...wire,
    ...Object.fromEntries(texts.map((name) => [name, finalPromptOf(task)])),
    ...(word !== undefined && { status: word }),
  };
}

const SHAPES: Readonly<Record<Shape, (view: TaskView, dialect: Dialect, origin: Origin) => Fields>> = {
  novicezk: ({ task }, _dialect, origin) => ({
    ...commonFields(task, origin),
    properties: {
      ...hookFields(task),
      nonce: snowflakeOf(`${task.id}:nonce`),
      discordInstanceId: instanceOf(task.provider),
      ...(task.startTime
        ? { progressMessageId: snowflakeOf(`${task.id}:progress`), finalPrompt: finalPromptOf(task) }
        : {}),
      ...(task.startTime ? { messageHash: task.jobId } : {}),
      ...(task.status === "SUCCESS" ? { messageId: snowflakeOf(`${task.id}:message`), flags: 0 } : {}),
    },
  }),

  plus: ({ task }, dialect, origin) => ({
    ...commonFields(task, origin),
    ...videos(task, origin),
    properties: {
      botType: task.botType,
      discordInstanceId: instanceOf(task.provider),
      finalPrompt: finalPromptOf(task),
      ...(task.result === "describe" || task.result === "shorten" ? { finalZhPrompt: finalPromptOf(task) } : {}),
      messageId: snowflakeOf(`${task.id}:message`),
      messageContent: `**${finalPromptOf(task)}** - <@${instanceOf("user")}> (${task.mode.toLowerCase()})`,
      ...hookFields(task),
    },
    buttons: buttons(task, dialect),
  }),

  trueai: ({ task }, dialect, origin) => trueaiTask(task, dialect, origin),
  relay: (view, dialect, origin) => relayTask(view, dialect, origin),
  comet: (view, dialect, origin) => relayTask(view, dialect, origin),
};

/** Common fields of novicezk; plus adds more. Unset fields are null (docs/protocol.md 3.1). */
function commonFields(task: Task, origin: Origin): Fields {
  return {
    id: task.id,
    action: task.action,
    status: task.status,
    prompt: task.prompt,
    promptEn: task.prompt,
    description: descriptionOf(task),
    state: task.state,
    submitTime: task.submitTime,
    startTime: task.startTime,
    finishTime: task.finishTime,
    imageUrl: imageUrlOf(task, origin),
    progress: task.progress,
    failReason: task.failReason,
  };
}

/** Task object of new-api: empty strings and zeros instead of null, and an image address of the relay (docs/protocol.md 3.6). */
function relayTask({ task, notPolled }: TaskView, dialect: Dialect, origin: Origin): Fields {
  const ended = task.status === "SUCCESS";
  const own = dialect.verbs.has("image")
    ? `${origin}/${task.provider}/mj/image/${task.id}`
    : `${origin}/images/${task.id}.png`;
  const imageUrl =
    imageUrlOf(task, origin) === null || notPolled
      ? ""
      : ended
        ? own
        : `${own}?rand=${snowflakeOf(`${task.id}${task.progress}`)}`;
  return {
    id: task.id,
    action: task.action,
    customId: "",
    botType: "",
    prompt: task.prompt ?? "",
    promptEn: notPolled ? "" : (task.prompt ?? ""),
    description: "Submit success",
    state: notPolled ? "" : (task.state ?? ""),
    submitTime: task.submitTime,
    startTime: notPolled ? 0 : (task.startTime ?? 0),
    finishTime: notPolled ? 0 : (task.finishTime ?? 0),
    imageUrl,
    videoUrl: ended && task.result === "video" ? videoUrlOf(task, origin, 0) : "",
    ...(dialect.shape === "comet"
      ? {}
      : { videoUrls: ended && task.result === "video" ? videoList(task, origin) : null }),
    status: notPolled ? "" : task.status,
    progress: notPolled ? "0%" : task.status === "FAILURE" ? "100%" : (task.progress ?? ""),
    failReason: notPolled ? "" : (task.failReason ?? ""),
    buttons: ended && !notPolled ? buttons(task, dialect) : null,
    maskBase64: "",
    properties: ended && !notPolled ? { finalPrompt: finalPromptOf(task), finalZhPrompt: "" } : null,
  };
}

/** Task object of trueai with 59 keys, like its samples. `displays` has local times as text. */
function trueaiTask(task: Task, dialect: Dialect, origin: Origin): Fields {
  const nonce = snowflakeOf(`${task.id}:nonce`);
  const instance = instanceOf(task.provider);
  const ended = task.status === "SUCCESS";
  const tiles =
    ended && task.result === "grid"
      ? [1, 2, 3, 4].map((tile) => ({
          url: `${origin}/images/${task.id}.png?tile=${tile}`,
          thumbnail: `${origin}/images/${task.id}.png?tile=${tile}&preview=78`,
        }))
      : null;
  const isVideo = ended && task.result === "video";
  // The one video that was selected is only in imageUrl.
  const isSelected = isVideo && task.action === "UPSCALE";
  return {
    parentId: task.parentId,
    botType: task.botType,
    realBotType: null,
    userId: "u_1",
    isWhite: false,
    nonce,
    interactionMetadataId: null,
    messageId: null,
    remixModalMessageId: null,
    remixAutoSubmit: false,
    remixModaling: false,
    instanceId: instance,
    subInstanceId: null,
    messageIds: [],
    action: task.action,
    status: task.status,
    isCompleted: isEnded(task.status),
    prompt: task.prompt,
    promptEn: task.prompt,
    promptFull: ended ? finalPromptOf(task) : null,
    description: task.status === "MODAL" ? dialect.words.modal : descriptionOf(task),
    language: null,
    state: task.state,
    submitTime: task.submitTime,
    startTime: task.startTime,
    finishTime: task.finishTime,
    imageUrl: isVideo ? videoUrlOf(task, origin, Math.max(0, task.index - 1)) : imageUrlOf(task, origin),
    baseImageUrl: null,
    imageUrls: isVideo && !isSelected ? videoList(task, origin) : tiles,
    thumbnailUrl: ended && !isVideo && imageUrlOf(task, origin) ? `${origin}/images/${task.id}.png?preview=78` : null,
    progress: task.progress,
    failReason: task.failReason,
    isPartner: true,
    partnerTaskId: ended ? task.jobId : null,
    isOfficial: false,
    officialTaskId: null,
    buttons: buttons(task, dialect),
    displays: {
      status: task.status,
      submitTime: localText(task.submitTime),
      startTime: localText(task.startTime),
      finishTime: localText(task.finishTime),
      action: task.action,
      discordInstanceId: instance,
    },
    seed: null,
    clientIp: "203.0.113.7",
    jobId: ended ? task.jobId : null,
    mode: task.mode,
    requestMode: null,
    accountFilter: {
      instanceId: null,
      modes: [task.mode],
      remix: null,
      nijiRemix: null,
      remixAutoConsidered: null,
      remark: null,
    },
    width: null,
    height: null,
    size: null,
    contentType: null,
    videoGenOriginImageUrl: null,
    videoDuration: null,
    frameCount: null,
    videoUrl: isVideo && !isSelected ? videoUrlOf(task, origin, 0) : null,
    videoUrls: isVideo && !isSelected ? videoList(task, origin) : null,
    useTime: ended && task.startTime ? `${((task.finishTime ?? 0) - task.startTime) / 1_000} s` : "-",
    version: ended ? "v 7.0" : null,
    videoType: null,
    isHdVideo: false,
    id: task.id,
    properties: {
      ...hookFields(task),
      nonce,
      discordInstanceId: instance,
      discordChannelId: instance,
      botType: task.botType,
      ...(ended ? { finalPrompt: finalPromptOf(task), messageHash: task.jobId } : {}),
      ...(task.ending.kind === "failure" && task.ending.word ? { bannedWord: task.ending.word } : {}),
    },
  };
}

/** Returns the prompt that Midjourney used, or the text of a describe or shorten. */
export function finalPromptOf(task: Task): string {
  if (task.result === "describe") {
    return ["a small house by the sea", "a painted shore at dusk", "layered hills, soft light", "a quiet postcard"]
      .map((line, i) => `${i + 1}️⃣ ${line} --ar 1:1`)
      .join("\n\n");
  }
  const prompt = (task.prompt ?? "").replaceAll(/(?:(?<!\s)\s+)?--sim\s+[a-z-]+/gu, "");
  if (task.result === "shorten") {
    const words = prompt.split(/\s+/u).filter((word) => word.length > 3);
    const short = words.slice(0, 4).join(", ") || prompt;
    return `## Important tokens\n**${short}**\n## Shortened prompts\n1️⃣ ${short}\n\n2️⃣ ${words[0] ?? prompt}`;
  }
  return /--(v|niji)\b/u.test(prompt) ? prompt : `${prompt} --v 7.0`.trim();
}

/** Returns the instance id of a vendor's account; the same vendor has the same id. */
export const instanceOf = (provider: string): string => snowflakeOf(`${provider}:instance`);

export const seedOf = (task: Task): string => snowflakeOf(`${task.id}:seed`).slice(1, 10);

export const imageUrlOf = (task: Task, origin: Origin): string | null => {
  if (task.result === "shorten") return null;
  const percent = Number.parseInt(task.progress ?? "", 10);
  if (task.status === "SUCCESS") return `${origin}/images/${task.id}.png`;
  // A preview exists from the first progress above 0 % (docs/protocol.md 3.6).
  return task.status === "IN_PROGRESS" && percent > 0 ? `${origin}/images/${task.id}.png?preview=${percent}` : null;
};

const videoUrlOf = (task: Task, origin: Origin, n: number): string => `${origin}/videos/${task.id}_${n}.mp4`;

function videoList(task: Task, origin: Origin): { url: string; thumbnail: string }[] {
  const videoIndexes = task.index > 0 ? [task.index - 1] : [0, 1, 2, 3].slice(0, task.videos ?? 4);
  return videoIndexes.map((n) => ({
    url: videoUrlOf(task, origin, n),
    thumbnail: `${origin}/images/${task.id}.png?tile=${n + 1}`,
  }));
}

function videos(task: Task, origin: Origin): Fields {
  return task.status === "SUCCESS" && task.result === "video"
    ? { videoUrl: videoUrlOf(task, origin, 0), videoUrls: videoList(task, origin) }
    : {};
}

const buttons = (task: Task, dialect: Dialect): Button[] => buttonsOf(task, dialect.row, dialect.buttonStyle);

const hookFields = (task: Task): Fields => (task.notifyHook ? { notifyHook: task.notifyHook } : {});

function descriptionOf(task: Task): string {
  if (task.parentId) return `/up ${task.parentId} ${task.label}`;
  const verb =
    task.action === "DESCRIBE" || task.action === "SHORTEN" || task.action === "BLEND"
      ? task.action.toLowerCase()
      : "imagine";
  return `/${verb} ${task.prompt ?? `${task.id}.png`}`;
}

function localText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

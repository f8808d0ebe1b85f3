/**
 * What the viewer of a share link sees. It is a list of what is allowed: a new field of a flow or task is not shown before it is
 * added here. No state, app, vendor, account, cost, webhook, customId or reason of a failure leaves mjflow (D15).
 */
import type { AccessToken } from "@mjflow/core/access-token";
import { canonicalButtonName, canonicalPress } from "@mjflow/core/button";
import { type Flow, flowStatus, isSuperseded } from "@mjflow/core/flow";
import { parentPath } from "@mjflow/core/id";
import { textResultOf } from "@mjflow/core/mj-task";
import { planSteps } from "@mjflow/core/plan-step";
import type { SHARED_STATUSES, Task } from "@mjflow/core/task";
import { isoOf } from "../date.ts";
import { compareByPath } from "./view.ts";

/** @param link returns a link to a stored image, which ends soon */
export function sharedView(
  { share, flow, tasks }: { share: AccessToken; flow: Flow; tasks: readonly Task[] },
  link: (key: string) => string,
) {
  const shown = tasks.filter((task) => !isSuperseded(task, tasks)).toSorted(compareByPath);
  return {
    status: flowStatus(tasks),
    prompt: share.hidesPrompt || flow.prompt === undefined ? null : withoutLinks(flow.prompt),
    showsPrompt: !share.hidesPrompt,
    createdAt: isoOf(flow.createdAt),
    endedAt: isoOf(flow.endedAt),
    /** When the share link expires. */
    expiresAt: isoOf(share.expiresAt),
    /** Number of tasks of the plan that will still be created. */
    plannedTasks: planSteps(flow, shown).filter(({ status }) => status === "planned").length,
    tasks: shown.map((task) => sharedTask(task, share, link)),
  };
}

export type SharedView = ReturnType<typeof sharedView>;

function sharedTask(task: Task, share: AccessToken, link: (key: string) => string) {
  const { path, action, status, progress, createdAt, endedAt, result } = task;
  const pictures = status === "SUCCESS" ? picturesOf(task, share, link) : [];
  const hasPicture = status === "SUCCESS" && vendorPictures(task).length > 0;
  return {
    /** Position in the tree, for example `0-2`. */
    id: path,
    parentId: parentPath(path) ?? null,
    press: pressNameOf(task),
    action,
    status: (status === "UNCLEAR" ? "SUBMITTED" : status) as (typeof SHARED_STATUSES)[number],
    progress,
    pictures,
    /** True if the result has a picture that the link does not show, because it is not archived. */
    hasUnsharedPictures: hasPicture && pictures.length === 0,
    text: share.hidesPrompt ? null : sharedText(textResultOf(action, result)),
    createdAt: isoOf(createdAt),
    endedAt: isoOf(endedAt),
  };
}

interface SharedPicture {
  kind: "image" | "video";
  url: string;
  /** Null if it is not known. */
  contentType: string | null;
}

function picturesOf(task: Task, share: AccessToken, link: (key: string) => string): SharedPicture[] {
  const copies = (task.copies ?? []).map(({ key, contentType }) => ({
    kind: contentType.startsWith("video/") ? ("video" as const) : ("image" as const),
    url: link(key),
    contentType,
  }));
  return copies.length > 0 || !share.showsVendorLinks ? copies : vendorPictures(task);
}

/** The vendor's own links of a result: its videos, its single pictures, or the one picture. */
function vendorPictures({ result }: Task): SharedPicture[] {
  const { videos = [], images = [], imageUrl } = result ?? {};
  const urls =
    videos.length > 0 ? videos : images.length > 0 ? images : imageUrl === undefined ? [] : [{ url: imageUrl }];
  const kind = videos.length > 0 ? ("video" as const) : ("image" as const);
  return urls.filter(({ url }) => /^https?:\/\//i.test(url)).map(({ url }) => ({ kind, url, contentType: null }));
}

/** A press name of mjflow. A press of another form, such as a customId, is not shown. */
function pressNameOf({ press, customId }: Task): string | null {
  const candidates = [
    customId === undefined ? undefined : canonicalButtonName(customId),
    press && canonicalPress(press),
  ];
  return candidates.find((name) => name !== undefined && PRESS_NAME.test(name)) ?? null;
}

const PRESS_NAME = /^[a-z]{1,20}(?::[a-z0-9.]{1,12}){0,2}$/;

function sharedText(text: string | undefined): string | null {
  return text === undefined ? null : withoutLinks(text);
}

/** Links in prompts lead to images of the app, and some of them are secret. */
function withoutLinks(text: string): string {
  return text.replace(/https?:\/\/\S+/gi, "[link]");
}

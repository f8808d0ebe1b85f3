/**
 * The compat API: midjourney-proxy's routes on our engine, under every path prefix that its vendors use
 * (docs/protocol.md 1.1). An app that uses such a vendor changes only its base URL. Its key header, fields and polling
 * stay the same.
 */
import { MjflowError } from "@mjflow/core/error";
import type { Mode, RootAction } from "@mjflow/core/flow";
import { isMjTaskId, mjTaskView } from "@mjflow/core/mj-task";
import { LookupError } from "@mjflow/core/port";
import type { Callers } from "@mjflow/engine/app";
import { newFlowId } from "@mjflow/engine/create";
import { answerMjModal, findMjPress, findMjRoot, pressMjButton, submitMjRoot } from "@mjflow/engine/mj-compat";
import { type FoundMjTask, findTask, findTasks, latestTasks, queuedTasks, seedOf } from "@mjflow/engine/mj-read";
import { newSegment } from "@mjflow/engine/press";
import { readHintOfTask } from "@mjflow/engine/read-hint";
import type { Context } from "hono";
import { readJson } from "../body.ts";
import { type AppEnv, checkCallbackUrl, mediaUrlOf } from "../env.ts";
import { idempotencyKeyOf, idempotent } from "../idempotency.ts";
import { hintHeader } from "../long-poll.ts";
import { authenticate, hasKey } from "./auth.ts";
import {
  isExtend,
  type PressRequest,
  readAction,
  readChange,
  readExtend,
  readIds,
  readModal,
  readRoot,
  readSimpleChange,
  readUpload,
} from "./request.ts";
import { accepted, MJ_CODE, mjErrorResponse, mjResponse } from "./response.ts";
import { upload } from "./upload.ts";

/** Number of tasks in `/task/list`, as in trueai-org. */
const LISTED = 100;

/**
 * @param id the task id in the path; empty if the path has none
 * @param arrivedAt when the request arrived, epoch ms
 */
type MjHandler = (c: Context<AppEnv>, id: string, arrivedAt: number) => Promise<Response>;

const fetchTask: MjHandler = async (c, id) => {
  const found = await find(c, id);
  // The clients of this protocol poll each few seconds. Those that know Retry-After save most of these reads.
  if (found.task) hintHeader(c, await readHintOfTask(c.get("deps"), found.task));
  return c.json(view(c, found));
};
const listTasks: MjHandler = async (c) => {
  const ids = readIds(await readJson(c));
  return c.json(views(c, await findTasks(c.get("deps"), c.get("appId"), ids)));
};

/**
 * Handlers by method and path. They are a map and no routes of the router, because under eleven prefixes they were 250
 * routes, and the router needed 15 ms for each request.
 */
const HANDLERS = new Map<string, MjHandler>([
  ["POST /submit/imagine", (c) => submit(c, "imagine")],
  ["POST /submit/blend", (c) => submit(c, "blend")],
  ["POST /submit/describe", (c) => submit(c, "describe")],
  ["POST /submit/shorten", (c) => submit(c, "shorten")],
  ["POST /insight-face/swap", (c) => submit(c, "swap-face")],
  ["POST /submit/action", (c, _, arrivedAt) => press(c, readAction, arrivedAt)],
  ["POST /submit/change", (c, _, arrivedAt) => press(c, readChange, arrivedAt)],
  ["POST /submit/simple-change", (c, _, arrivedAt) => press(c, readSimpleChange, arrivedAt)],
  ["POST /submit/modal", modal],
  ["POST /submit/upload-discord-images", async (c) => c.json(await upload(c, readUpload(await readJson(c))))],
  ["POST /submit/video", video],
  ["POST /submit/edits", (c) => submit(c, "edit")],
  ["POST /submit/edit", (c) => submit(c, "edit")],
  ["POST /submit/retexture", (c) => submit(c, "retexture")],
  ["GET /task/{id}/fetch", fetchTask],
  ["GET /query/task/{id}", fetchTask],
  ["POST /task/list-by-condition", listTasks],
  ["POST /task/list-by-ids", listTasks],
  ["GET /task/list", async (c) => c.json(views(c, await latest(c)))],
  ["GET /task/queue", async (c) => c.json(views(c, await queuedTasks(c.get("deps"), c.get("appId"))))],
  ["GET /task/{id}/image-seed", seed],
  ["POST /task/{id}/cancel", cancel],
  ["GET /image/{id}", image],
  // Apps do not see vendor accounts. Some clients ask for the list when they start. novicezk's server responds `null` for an
  // unknown account.
  ["GET /account/list", async (c) => c.json([])],
  ["GET /account/{id}/fetch", async (c) => c.json(null)],
]);
/** Method and path without the prefix, for example `GET /task/{id}/fetch`. */
export const MJ_ROUTES: readonly string[] = [...HANDLERS.keys()];

/**
 * Responds to a request whose path begins with a prefix.
 *
 * @param arrivedAt when the request arrived, epoch ms
 */
export async function mjCompat(
  c: Context<AppEnv>,
  { prefix, callers, arrivedAt }: { prefix: string; callers: Callers; arrivedAt: number },
): Promise<Response> {
  try {
    const path = c.req.path.slice(prefix.length);
    const [, before, id = "", after = ""] =
      /^(\/(?:task|query\/task|image|account))\/([\w-]+)(\/[\w-]+)?$/.exec(path) ?? [];
    const isPublic = before === "/image" && c.req.method === "GET" && after === "" && !hasKey(c);
    const image = isPublic ? await publicImage(c, id) : undefined;
    if (image) return image;
    await authenticate(c, callers);
    const handler = HANDLERS.get(`${c.req.method} ${path}`) ?? HANDLERS.get(`${c.req.method} ${before}/{id}${after}`);
    return handler
      ? await handler(c, id, arrivedAt)
      : c.json(mjResponse(MJ_CODE.missing, `Invalid URL (${c.req.method} ${c.req.path})`), 404);
  } catch (error) {
    return mjErrorResponse(c, error);
  }
}

async function cancel(c: Context<AppEnv>, id: string): Promise<Response> {
  await find(c, id);
  return c.json(
    mjResponse(MJ_CODE.invalid, "taskId: a task that the vendor may have accepted cannot be canceled here."),
  );
}

async function image(c: Context<AppEnv>, id: string): Promise<Response> {
  return redirectToImage(c, await find(c, id));
}

/**
 * Redirects a request without key to the image of an app whose images are public. Web pages of the family use this path in
 * `<img src>`, which sends no key. An id of digits does not name its app, so each of these apps is asked.
 *
 * @returns undefined if no app has public images
 * @throws MjflowError `not_found`
 */
async function publicImage(c: Context<AppEnv>, id: string): Promise<Response | undefined> {
  const deps = c.get("deps");
  const { mjPublicImages = [] } = deps;
  if (mjPublicImages.length === 0) return undefined;
  for (const appId of isMjTaskId(id) ? mjPublicImages : []) {
    const [found] = await findTasks(deps, appId, [id]);
    if (found) return redirectToImage(c, found);
  }
  throw new MjflowError("not_found");
}

function redirectToImage(c: Context<AppEnv>, found: FoundMjTask): Response {
  const { imageUrl } = view(c, found);
  if (imageUrl === null) throw new MjflowError("not_found");
  return c.redirect(imageUrl, 302);
}

async function submit(c: Context<AppEnv>, action: RootAction): Promise<Response> {
  const deps = c.get("deps");
  await deps.providers.refresh?.();
  const provider = deps.defaultProvider ?? deps.providers.ids()[0] ?? "";
  const { request, own } = readRoot(action, await readJson(c), { provider, prefixMode: modeOf(c) });
  checkCallbackUrl(c, "notifyHook", own.notifyHook);
  const appId = c.get("appId");
  // The operator may change the provider of these requests between a request and its repetition.
  const sent = { ...request, ...own, provider: undefined };
  const { id } = await idempotent(c, sent, {
    choose: () => newFlowId(deps),
    run: ({ target: flowId, resumed }) => submitMjRoot(deps, appId, request, own, deps, { flowId, resumed }),
    show: (flowId) => findMjRoot(deps, appId, flowId),
  });
  return c.json(accepted(id));
}

/** Makes a video of an image, or extends a finished video. */
async function video(c: Context<AppEnv>, _: string, arrivedAt: number): Promise<Response> {
  return isExtend(await readJson(c)) ? press(c, readExtend, arrivedAt) : submit(c, "video");
}

async function press(c: Context<AppEnv>, read: (body: unknown) => PressRequest, arrivedAt: number): Promise<Response> {
  const sent = read(await readJson(c));
  const { taskId, press, own } = sent;
  checkCallbackUrl(c, "notifyHook", own.notifyHook);
  const [deps, appId, isKeyed] = [c.get("deps"), c.get("appId"), idempotencyKeyOf(c) !== undefined];
  const { pointer, finalPrompt } = await idempotent(c, sent, {
    choose: () => newSegment(deps),
    run: ({ target }) =>
      pressMjButton(deps, appId, taskId, press, own, { arrivedAt, segment: isKeyed ? target : undefined }),
    show: (segment) => findMjPress(deps, appId, taskId, segment),
  });
  if (!pointer.awaitsModalAnswer) return c.json(accepted(pointer.id));
  const properties = { ...(finalPrompt !== undefined && { finalPrompt }), remix: true };
  return c.json(mjResponse(MJ_CODE.modal, "Waiting for window confirm", pointer.id, properties));
}

async function modal(c: Context<AppEnv>): Promise<Response> {
  const sent = readModal(await readJson(c));
  const { taskId, modal } = sent;
  const [deps, appId] = [c.get("deps"), c.get("appId")];
  const { id } = await idempotent(c, sent, {
    choose: () => taskId,
    run: () => answerMjModal(deps, appId, taskId, modal),
    show: async () => (await findTask(deps, appId, taskId)).pointer,
  });
  return c.json(accepted(id));
}

async function seed(c: Context<AppEnv>, id: string): Promise<Response> {
  try {
    const found = await seedOf(c.get("deps"), c.get("appId"), id);
    return c.json(
      found === undefined
        ? mjResponse(MJ_CODE.missing, "No seed found")
        : mjResponse(MJ_CODE.accepted, "Success", found),
    );
  } catch (error) {
    if (!(error instanceof LookupError)) throw error;
    return c.json(mjResponse(MJ_CODE.failed, "The look-up at the vendor failed."));
  }
}

function modeOf(c: Context<AppEnv>): Mode | undefined {
  return /^\/(?:mj-)?(fast|relax|turbo)\//.exec(c.req.path)?.[1] as Mode | undefined;
}

function find(c: Context<AppEnv>, id: string): Promise<FoundMjTask> {
  return findTask(c.get("deps"), c.get("appId"), id);
}

function latest(c: Context<AppEnv>): Promise<FoundMjTask[]> {
  return latestTasks(c.get("deps"), c.get("appId"), LISTED);
}

function view(c: Context<AppEnv>, { pointer, task }: FoundMjTask) {
  return mjTaskView(pointer, task, mediaUrlOf(c));
}

function views(c: Context<AppEnv>, tasks: readonly FoundMjTask[]) {
  return tasks.map((task) => view(c, task));
}

/**
 * The drop-in facade: midjourney-proxy's verbs on our engine, under every prefix its vendors have (PROTOCOL 1.1). An app
 * that talks to one of them changes its base URL, and keeps its key's header, its fields and its polling.
 */
import { MjflowError } from "@mjflow/core/error";
import { mjTaskView } from "@mjflow/core/facade";
import type { Mode } from "@mjflow/core/flow";
import { LookupError } from "@mjflow/core/port";
import type { Callers } from "@mjflow/engine/app";
import {
  answerWindow,
  type Found,
  findTask,
  findTasks,
  isQueued,
  latestTasks,
  pressOn,
  seedOf,
  submitRoot,
} from "@mjflow/engine/facade";
import { type Context, Hono } from "hono";
import { readJson } from "../body.ts";
import { type AppEnv, mediaUrlOf } from "../env.ts";
import { accepted, answer, CODE, onFacadeError } from "./answer.ts";
import { authenticateFacade } from "./auth.ts";
import {
  type PressRequest,
  type RootVerb,
  readAction,
  readChange,
  readIds,
  readModal,
  readRoot,
  readSimpleChange,
  readUpload,
} from "./request.ts";
import { upload } from "./upload.ts";

/** A mode's prefix stands before `/mj`, and some vendors leave that out. The longer first. */
const PREFIXES = ["fast", "relax", "turbo"].flatMap((mode) => [`/mj-${mode}/mj`, `/mj-${mode}`, `/${mode}/mj`]);
export const FACADE_PREFIXES = [...PREFIXES, "/v1/mj", "/mj"];

/** What trueai-org's list shows. */
const LISTED = 100;

const ROOTS: Record<string, RootVerb> = {
  "/submit/imagine": "imagine",
  "/submit/blend": "blend",
  "/submit/describe": "describe",
  "/submit/shorten": "shorten",
  "/insight-face/swap": "swap-face",
};

const PRESSES: Record<string, (body: unknown) => PressRequest> = {
  "/submit/action": readAction,
  "/submit/change": readChange,
  "/submit/simple-change": readSimpleChange,
};

/** Documented by one server or another, and done by none of the vendors spoken to here. */
const UNSUPPORTED = ["video", "edits", "edit", "retexture"];

export function facade(callers: Callers): Hono<AppEnv> {
  const mj = new Hono<AppEnv>();
  mj.use(authenticateFacade(callers));
  for (const [path, verb] of Object.entries(ROOTS)) mj.post(path, (c) => submit(c, verb));
  for (const [path, read] of Object.entries(PRESSES)) mj.post(path, (c) => press(c, read));
  mj.post("/submit/modal", modal);
  mj.post("/submit/upload-discord-images", async (c) => c.json(await upload(c, readUpload(await readJson(c)))));
  for (const verb of UNSUPPORTED) {
    mj.post(`/submit/${verb}`, (c) => c.json(answer(CODE.invalid, `${verb}: no vendor configured here can do that.`)));
  }

  for (const path of ["/task/:id/fetch", "/query/task/:id"]) mj.get(path, async (c) => c.json(view(c, await found(c))));
  for (const path of ["/task/list-by-condition", "/task/list-by-ids"]) {
    mj.post(path, async (c) => {
      const ids = readIds(await readJson(c));
      return c.json(views(c, await findTasks(c.get("deps"), c.get("appId"), ids)));
    });
  }
  mj.get("/task/list", async (c) => c.json(views(c, await latest(c))));
  mj.get("/task/queue", async (c) => c.json(views(c, (await latest(c)).filter(isQueued))));
  mj.get("/task/:id/image-seed", seed);
  mj.post("/task/:id/cancel", async (c) => {
    await found(c);
    return c.json(answer(CODE.invalid, "taskId: a task the vendor may have is not taken back here."));
  });
  mj.get("/image/:id", async (c) => {
    const { imageUrl } = view(c, await found(c));
    if (imageUrl === null) throw new MjflowError("not_found");
    return c.redirect(imageUrl, 302);
  });
  mj.all("*", (c) => c.json(answer(CODE.missing, `Invalid URL (${c.req.method} ${c.req.path})`), 404));
  mj.onError(onFacadeError);
  return mj;
}

async function submit(c: Context<AppEnv>, verb: RootVerb): Promise<Response> {
  const deps = c.get("deps");
  const provider = deps.defaultProvider ?? deps.providers.ids()[0] ?? "";
  const { request, own } = readRoot(verb, await readJson(c), { provider, prefixMode: modeOf(c) });
  const { id } = await submitRoot(deps, c.get("appId"), request, own, deps);
  return c.json(accepted(id));
}

async function press(c: Context<AppEnv>, read: (body: unknown) => PressRequest): Promise<Response> {
  const { taskId, press, own } = read(await readJson(c));
  const { pointer, finalPrompt } = await pressOn(c.get("deps"), c.get("appId"), taskId, press, own);
  if (!pointer.window) return c.json(accepted(pointer.id));
  const properties = { ...(finalPrompt !== undefined && { finalPrompt }), remix: true };
  return c.json(answer(CODE.window, "Waiting for window confirm", pointer.id, properties));
}

async function modal(c: Context<AppEnv>): Promise<Response> {
  const { taskId, modal } = readModal(await readJson(c));
  const { id } = await answerWindow(c.get("deps"), c.get("appId"), taskId, modal);
  return c.json(accepted(id));
}

async function seed(c: Context<AppEnv>): Promise<Response> {
  try {
    const found = await seedOf(c.get("deps"), c.get("appId"), c.req.param("id")!);
    return c.json(
      found === undefined ? answer(CODE.missing, "No seed found") : answer(CODE.accepted, "Success", found),
    );
  } catch (error) {
    if (!(error instanceof LookupError)) throw error;
    return c.json(answer(CODE.failed, "The vendor could not be asked."));
  }
}

function modeOf(c: Context<AppEnv>): Mode | undefined {
  return /^\/(?:mj-)?(fast|relax|turbo)\//.exec(c.req.path)?.[1] as Mode | undefined;
}

function found(c: Context<AppEnv>): Promise<Found> {
  return findTask(c.get("deps"), c.get("appId"), c.req.param("id")!);
}

function latest(c: Context<AppEnv>): Promise<Found[]> {
  return latestTasks(c.get("deps"), c.get("appId"), LISTED);
}

function view(c: Context<AppEnv>, { pointer, task }: Found) {
  return mjTaskView(pointer, task, mediaUrlOf(c));
}

function views(c: Context<AppEnv>, tasks: readonly Found[]) {
  return tasks.map((one) => view(c, one));
}

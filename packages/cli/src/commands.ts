/**
 * Lists all commands in the order of the help. A command's module is loaded when the command is used, because most runs
 * need only one.
 */
import type { Command } from "./command.ts";

/** Commands by the title of their group in the help. */
export const GROUPS: Readonly<Record<string, Readonly<Record<string, () => Promise<Command>>>>> = {
  Images: {
    imagine: async () => (await import("./command/imagine.ts")).imagine,
    blend: async () => (await import("./command/image-action.ts")).blend,
    describe: async () => (await import("./command/image-action.ts")).describe,
    shorten: async () => (await import("./command/image-action.ts")).shorten,
    "swap-face": async () => (await import("./command/image-action.ts")).swapFace,
    video: async () => (await import("./command/video.ts")).video,
    edit: async () => (await import("./command/video.ts")).edit,
    retexture: async () => (await import("./command/video.ts")).retexture,
    rerun: async () => (await import("./command/rerun.ts")).rerun,
    batch: async () => (await import("./command/batch.ts")).batch,
    templates: async () => (await import("./command/template.ts")).templates,
    upload: async () => (await import("./command/upload.ts")).upload,
    watch: async () => (await import("./command/watch.ts")).watch,
    open: async () => (await import("./command/open.ts")).open,
    flow: async () => (await import("./command/flow.ts")).flow,
    flows: async () => (await import("./command/flow.ts")).flows,
    pictures: async () => (await import("./command/picture.ts")).pictures,
    mark: async () => (await import("./command/mark.ts")).mark,
    folders: async () => (await import("./command/mark.ts")).folders,
    share: async () => (await import("./command/share.ts")).share,
    delete: async () => (await import("./command/flow.ts")).deleteFlow,
    task: async () => (await import("./command/task.ts")).task,
  },
  Tasks: {
    press: async () => (await import("./command/task.ts")).press,
    modal: async () => (await import("./command/task.ts")).modal,
    cancel: async () => (await import("./command/flow.ts")).cancel,
    resume: async () => (await import("./command/flow.ts")).resume,
    retry: async () => (await import("./command/task.ts")).retry,
  },
  Webhooks: {
    listen: async () => (await import("./command/listen.ts")).listen,
    trigger: async () => (await import("./command/trigger.ts")).trigger,
    endpoints: async () => (await import("./command/endpoint.ts")).endpoints,
    deliveries: async () => (await import("./command/delivery.ts")).deliveries,
    replay: async () => (await import("./command/delivery.ts")).replay,
    replays: async () => (await import("./command/replay.ts")).replays,
  },
  "Local server and operations": {
    dev: async () => (await import("./command/dev.ts")).dev,
    backup: async () => (await import("./command/backup.ts")).backup,
    export: async () => (await import("./command/transfer.ts")).exportData,
    import: async () => (await import("./command/transfer.ts")).importData,
    doctor: async () => (await import("./command/doctor.ts")).doctor,
    accounts: async () => (await import("./command/account.ts")).accounts,
    "dead-letters": async () => (await import("./command/dead-letter.ts")).deadLetters,
    redrive: async () => (await import("./command/dead-letter.ts")).redrive,
    discard: async () => (await import("./command/dead-letter.ts")).discard,
    keys: async () => (await import("./command/key.ts")).keys,
    "sign-in": async () => (await import("./command/session.ts")).signIn,
    sessions: async () => (await import("./command/session.ts")).sessions,
    config: async () => (await import("./command/config.ts")).config,
    completion: async () => (await import("./command/completion.ts")).completion,
    mcp: async () => (await import("./command/mcp.ts")).mcp,
  },
};

const LOAD = Object.assign({}, ...Object.values(GROUPS)) as Readonly<Record<string, () => Promise<Command>>>;

/** Former names of commands. They still work for one release; the help does not list them. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["dead", "dead-letters"],
  ["drop", "discard"],
]);

export async function loadCommand(name: string): Promise<Command | undefined> {
  const current = ALIASES.get(name) ?? name;
  return Object.hasOwn(LOAD, current) ? LOAD[current]!() : undefined;
}

/** In the order of the help. */
export async function loadAllCommands(): Promise<Command[]> {
  return Promise.all(Object.values(LOAD).map((load) => load()));
}

export const COMMAND_NAMES = Object.keys(LOAD);

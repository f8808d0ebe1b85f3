/** Every command by its name, in the order of the help. Loaded when it is used: most runs need one. */
import type { Command } from "./command.ts";

export interface Group {
  title: string;
  names: readonly string[];
}

export const GROUPS: readonly Group[] = [
  { title: "Pictures", names: ["imagine", "watch", "flow", "flows", "task"] },
  { title: "By hand", names: ["press", "modal", "cancel", "resume", "retry"] },
  { title: "Webhooks", names: ["endpoints", "deliveries", "replay"] },
  { title: "The house", names: ["dev", "doctor", "dead", "redrive", "drop", "keys", "config"] },
];

const LOAD: Readonly<Record<string, () => Promise<Command>>> = {
  imagine: async () => (await import("./command/imagine.ts")).imagine,
  watch: async () => (await import("./command/watch.ts")).watch,
  flow: async () => (await import("./command/flow.ts")).flow,
  flows: async () => (await import("./command/flow.ts")).flows,
  task: async () => (await import("./command/task.ts")).task,
  press: async () => (await import("./command/task.ts")).press,
  modal: async () => (await import("./command/task.ts")).modal,
  cancel: async () => (await import("./command/flow.ts")).cancel,
  resume: async () => (await import("./command/flow.ts")).resume,
  retry: async () => (await import("./command/task.ts")).retry,
  endpoints: async () => (await import("./command/endpoint.ts")).endpoints,
  deliveries: async () => (await import("./command/delivery.ts")).deliveries,
  replay: async () => (await import("./command/delivery.ts")).replay,
  dev: async () => (await import("./command/dev.ts")).dev,
  doctor: async () => (await import("./command/doctor.ts")).doctor,
  dead: async () => (await import("./command/dead-letter.ts")).deadLetters,
  redrive: async () => (await import("./command/dead-letter.ts")).redrive,
  drop: async () => (await import("./command/dead-letter.ts")).discard,
  keys: async () => (await import("./command/key.ts")).keys,
  config: async () => (await import("./command/config.ts")).config,
};

export async function loadCommand(name: string): Promise<Command | undefined> {
  return Object.hasOwn(LOAD, name) ? LOAD[name]!() : undefined;
}

export const COMMAND_NAMES = Object.keys(LOAD);

/** All that the API answers, in the order in which one reads it. */
import { apps } from "./app.ts";
import { bannedWords } from "./banned.ts";
import { deliveries } from "./delivery.ts";
import type { Group } from "./description.ts";
import { endpoints } from "./endpoint.ts";
import { facade } from "./facade.ts";
import { flows } from "./flow.ts";
import { letters } from "./letter.ts";
import { open } from "./open.ts";
import { operations } from "./operation.ts";
import { providers } from "./provider.ts";
import { tasks } from "./task.ts";
import { usage } from "./usage.ts";

export const GROUPS: readonly Group[] = [
  flows,
  tasks,
  endpoints,
  deliveries,
  usage,
  facade,
  apps,
  providers,
  bannedWords,
  letters,
  operations,
  open,
];

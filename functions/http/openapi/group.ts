/** All routes of the API, in the order of the reference. */
import { apps } from "./app.ts";
import { bannedWords } from "./banned.ts";
import { deadLetters } from "./dead-letter.ts";
import { deliveries } from "./delivery.ts";
import { endpoints } from "./endpoint.ts";
import { flows } from "./flow.ts";
import { folders } from "./folder.ts";
import { mjCompat } from "./mj-compat.ts";
import { operations } from "./operation.ts";
import { pictures } from "./picture.ts";
import { providers } from "./provider.ts";
import { publicRoutes } from "./public-routes.ts";
import { replays } from "./replay.ts";
import type { RouteGroup } from "./route-description.ts";
import { sessions } from "./session.ts";
import { shares } from "./share.ts";
import { tasks } from "./task.ts";
import { templates } from "./template.ts";
import { uploads } from "./upload.ts";
import { usage } from "./usage.ts";

export const GROUPS: readonly RouteGroup[] = [
  flows,
  tasks,
  pictures,
  folders,
  templates,
  shares,
  uploads,
  endpoints,
  deliveries,
  replays,
  usage,
  sessions,
  mjCompat,
  apps,
  providers,
  bannedWords,
  deadLetters,
  operations,
  publicRoutes,
];

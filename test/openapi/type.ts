/**
 * Checks that the return types of the route handlers equal their descriptions, member by member. The file contains only
 * types. `npm run typecheck` fails if they differ, and its error names the route.
 */

import type { MjAnswer, MjTask } from "@mjflow/core/mj-response";
import type { mjTaskView } from "@mjflow/core/mj-task";
import type { EndpointEvent, FlowEvent, TaskEvent } from "@mjflow/core/response";
import type { eventView, TaskView } from "@mjflow/engine/view";
import type { ExtractSchema } from "hono/types";
import type * as z from "zod/mini";
import type * as handled from "../../functions/http/apps.ts";
import type { deadLetters } from "../../functions/http/dead-letter.ts";
import type { deliveries } from "../../functions/http/delivery.ts";
import type { endpoints } from "../../functions/http/endpoint.ts";
import type { flows } from "../../functions/http/flow.ts";
import type { folders } from "../../functions/http/folder.ts";
import type { MjResponse as MjAnswered } from "../../functions/http/mj-compat/response.ts";
import type * as describedApps from "../../functions/http/openapi/app.ts";
import type * as describedLetters from "../../functions/http/openapi/dead-letter.ts";
import type * as describedDeliveries from "../../functions/http/openapi/delivery.ts";
import type * as describedEndpoints from "../../functions/http/openapi/endpoint.ts";
import type * as describedFlows from "../../functions/http/openapi/flow.ts";
import type * as describedFolders from "../../functions/http/openapi/folder.ts";
import type * as describedOperations from "../../functions/http/openapi/operation.ts";
import type * as describedPictures from "../../functions/http/openapi/picture.ts";
import type * as describedProviders from "../../functions/http/openapi/provider.ts";
import type * as describedReplays from "../../functions/http/openapi/replay.ts";
import type * as describedSessions from "../../functions/http/openapi/session.ts";
import type * as describedShares from "../../functions/http/openapi/share.ts";
import type * as describedTasks from "../../functions/http/openapi/task.ts";
import type * as describedTemplates from "../../functions/http/openapi/template.ts";
import type * as describedUsage from "../../functions/http/openapi/usage.ts";
import type { operations } from "../../functions/http/operation.ts";
import type { pictures } from "../../functions/http/picture.ts";
import type { providers } from "../../functions/http/provider.ts";
import type { replays } from "../../functions/http/replay.ts";
import type { sessions, signIn } from "../../functions/http/session.ts";
import type { shared, shares } from "../../functions/http/share.ts";
import type { tasks } from "../../functions/http/task.ts";
import type { templates } from "../../functions/http/template.ts";
import type { usage } from "../../functions/http/usage.ts";

type None<T extends never> = T;

/** The type after JSON: a readonly list becomes a list. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { [Member in keyof T]: Plain<T[Member]> }
    : T;
type Same<A, B> = [Plain<A>] extends [Plain<B>] ? ([Plain<B>] extends [Plain<A>] ? SameMembers<A, B> : false) : false;
/** Compares the member names, because two assignable types may still differ in an optional member. */
type SameMembers<A, B> = [Members<A>] extends [Members<B>] ? ([Members<B>] extends [Members<A>] ? true : false) : false;
type Members<T> = T extends readonly (infer Item)[]
  ? Members<Item>
  : T extends object
    ? { [Member in keyof T & string]: Member | `${Member}.${Members<T[Member]>}` }[keyof T & string]
    : "";

// ── the types of handlers and of descriptions, by names like `GET /v1/flows/:id` ───────────────────────────────────

type Method<M> = M extends `$${infer Name}` ? Uppercase<Name> : never;
type Name<Base extends string, Path extends string, M> = `${Method<M>} ${Base}${Path extends "/" ? "" : Path}`;
type Json<Endpoint> = Endpoint extends { outputFormat: "json"; output: infer Output } ? Output : never;

type Handled<App, Base extends string> = {
  [Path in keyof ExtractSchema<App> & string as {
    [M in keyof ExtractSchema<App>[Path]]: Name<Base, Path, M>;
  }[keyof ExtractSchema<App>[Path]]]: ExtractSchema<App>[Path];
};
type Returned<App, Base extends string, Route extends string> = {
  [Path in keyof ExtractSchema<App> & string]: {
    [M in keyof ExtractSchema<App>[Path]]: Name<Base, Path, M> extends Route
      ? Json<ExtractSchema<App>[Path][M]>
      : never;
  }[keyof ExtractSchema<App>[Path]];
}[keyof ExtractSchema<App> & string];

type ResponsesOf<Description> = Description extends { responses: infer All } ? All[keyof All] : never;
type DescribedAs<Description> =
  ResponsesOf<Description> extends infer DescribedResponse
    ? DescribedResponse extends { schema: infer S extends z.ZodMiniType }
      ? z.infer<S>
      : never
    : never;

/** Names of the routes without description, or whose handler and description differ. */
type Differing<App, Base extends string, Routes> = {
  [Route in keyof Handled<App, Base> & string]: Route extends keyof Routes
    ? Same<Returned<App, Base, Route>, DescribedAs<Routes[Route]>> extends true
      ? never
      : Route
    : Route;
}[keyof Handled<App, Base> & string];

export type Routes = [
  None<Differing<typeof flows, "/v1/flows", typeof describedFlows.flows.routes>>,
  None<Differing<typeof tasks, "/v1/tasks", typeof describedTasks.tasks.routes>>,
  None<Differing<typeof templates, "/v1/templates", typeof describedTemplates.templates.routes>>,
  None<Differing<typeof folders, "/v1/folders", typeof describedFolders.folders.routes>>,
  None<Differing<typeof pictures, "/v1/pictures", typeof describedPictures.pictures.routes>>,
  None<Differing<typeof endpoints, "/v1/endpoints", typeof describedEndpoints.endpoints.routes>>,
  None<Differing<typeof deliveries, "/v1/deliveries", typeof describedDeliveries.deliveries.routes>>,
  None<Differing<typeof replays, "/v1/replays", typeof describedReplays.replays.routes>>,
  None<Differing<typeof handled.apps, "/v1/apps", typeof describedApps.apps.routes>>,
  None<Differing<typeof sessions, "/v1", typeof describedSessions.sessions.routes>>,
  None<Differing<typeof signIn, "/v1", typeof describedSessions.sessions.routes>>,
  None<Differing<typeof shares, "/v1/flows", typeof describedShares.shares.routes>>,
  None<Differing<typeof shared, "/v1", typeof describedShares.shares.routes>>,
  None<Differing<typeof usage, "/v1/usage", typeof describedUsage.usage.routes>>,
  None<Differing<typeof providers, "/v1/providers", typeof describedProviders.providers.routes>>,
  None<Differing<typeof deadLetters, "/v1/dead-letters", typeof describedLetters.deadLetters.routes>>,
  None<Differing<typeof operations, "/v1", typeof describedOperations.operations.routes>>,
];

type True<T extends true> = T;
type Event = ReturnType<typeof eventView>;

export type Others = [
  True<Same<Extract<Event, { flowId: string }>, z.infer<typeof TaskEvent>["data"]>>,
  True<Same<Exclude<Event, { flowId: string }>, z.infer<typeof FlowEvent>["data"]>>,
  True<Same<TaskView & { state: string | null }, z.infer<typeof TaskEvent>["data"]>>,
  True<Same<ReturnType<typeof mjTaskView>, z.infer<typeof MjTask>>>,
  True<Same<MjAnswered, z.infer<typeof MjAnswer>>>,
  z.infer<typeof EndpointEvent>,
];

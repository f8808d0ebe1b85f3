/**
 * Compares the client's types with the server's, member by member. This file contains only types: `npm run typecheck`
 * checks them, and its error names the member that only one side has.
 */

import type { DeadLetter } from "@mjflow/core/dead-letter";
import type { ERRORS, FAILURES } from "@mjflow/core/error";
import type { EventType } from "@mjflow/core/event";
import type {
  ActionRequest,
  FlowRequest,
  MarkRequest,
  ModalInput,
  PictureListQuery,
  ShareRequest,
  UploadRequest,
} from "@mjflow/core/request";
import type { FlowBatch, Folder, MarkResult, NewShare, Picture, SharedFlow } from "@mjflow/core/response";
import type { flowListEntry } from "@mjflow/engine/flow-list";
import type { eventView, FlowView, flowSummary, followedFlowView, TaskView } from "@mjflow/engine/view";
import type * as z from "zod/mini";
import type * as Client from "../../packages/client/src/index.ts";

type None<T extends never> = T;
type Is<Server extends Client, Client> = Server;
type DifferentKeys<A, B> = Exclude<keyof A, keyof B> | Exclude<keyof B, keyof A>;
/** The HTTP layer adds the hint to what the app reads. */
type Hinted<T> = T & { nextInMs: number | null };
type ReadFlow = Hinted<ReturnType<typeof followedFlowView>>;
type ReadTask = Hinted<TaskView>;
type Summary = ReturnType<typeof flowSummary>;
type Entry = ReturnType<typeof flowListEntry>;

/**
 * Response types: the server's type has every member of the client's type with a matching type, and no member that the
 * client lacks.
 */
export type Responses = [
  Is<ReadFlow, Client.Flow>,
  None<DifferentKeys<Client.Flow, ReadFlow>>,
  Is<Summary, Client.FlowSummary>,
  None<DifferentKeys<Client.FlowSummary, Summary>>,
  Is<Entry, Client.FlowListEntry>,
  None<DifferentKeys<Client.FlowListEntry, Entry>>,
  None<DifferentKeys<Client.FlowUrls, Summary["urls"]>>,
  None<DifferentKeys<Client.TaskUrls, TaskView["urls"]>>,
  None<DifferentKeys<Client.PlanStep, FlowView["plan"][number]>>,
  Is<TaskView, Client.Task>,
  None<DifferentKeys<Client.Task, TaskView>>,
  Is<ReadTask, Client.TaskRead>,
  None<DifferentKeys<Client.TaskRead, ReadTask>>,
  None<DifferentKeys<Client.Counts, FlowView["counts"]>>,
  None<DifferentKeys<Client.Button, TaskView["buttons"][number]>>,
  None<DifferentKeys<Client.Media, TaskView["images"][number]>>,
  None<DifferentKeys<Client.Orphan, TaskView["orphans"][number]>>,
  None<DifferentKeys<Client.Failure, NonNullable<TaskView["failure"]>>>,
  Is<z.infer<typeof FlowBatch>, Client.FlowBatch>,
  None<DifferentKeys<Client.FlowBatch, z.infer<typeof FlowBatch>>>,
  None<DifferentKeys<Client.FlowBatchResult, z.infer<typeof FlowBatch>["data"][number]>>,
  Is<ReturnType<typeof eventView>, Client.EventBody["data"]>,
  Is<z.infer<typeof Picture>, Client.Picture>,
  None<DifferentKeys<Client.Picture, z.infer<typeof Picture>>>,
  None<DifferentKeys<Client.PictureMarks, z.infer<typeof Picture>["marks"][number]>>,
  Is<z.infer<typeof MarkResult>, Client.MarkResult>,
  Is<z.infer<typeof Folder>, Client.Folder>,
  None<DifferentKeys<Client.Folder, z.infer<typeof Folder>>>,
  Is<z.infer<typeof NewShare>, Client.NewShare>,
  None<DifferentKeys<Client.NewShare, z.infer<typeof NewShare>>>,
  Is<z.infer<typeof SharedFlow>, Client.SharedFlow>,
  None<DifferentKeys<Client.SharedFlow, z.infer<typeof SharedFlow>>>,
  None<DifferentKeys<Client.SharedTask, z.infer<typeof SharedFlow>["tasks"][number]>>,
  Is<DeadLetter["state"], Client.DeadLetter["state"]>,
];

/**
 * Request types: the server accepts everything the client type allows, and the client type has every member the server
 * accepts.
 */
export type Requests = [
  Is<Client.FlowInput, FlowRequest>,
  None<Exclude<keyof FlowRequest, keyof Client.FlowInput>>,
  Is<Client.PressInput, ActionRequest>,
  None<DifferentKeys<Client.PressInput, ActionRequest>>,
  Is<Client.ModalInput, ModalInput>,
  None<DifferentKeys<Client.ModalInput, ModalInput>>,
  Is<Client.UploadInput, UploadRequest>,
  None<DifferentKeys<Client.UploadInput, UploadRequest>>,
  None<DifferentKeys<Client.MarkInput, Omit<MarkRequest, "pictures">>>,
  None<DifferentKeys<Client.PictureQuery, Omit<z.infer<typeof PictureListQuery>, "cursor">>>,
  None<DifferentKeys<Client.ShareInput, ShareRequest>>,
];

export type Codes = [
  None<Exclude<keyof typeof ERRORS, Client.ServerErrorCode>>,
  None<Exclude<keyof typeof FAILURES, Client.KnownFailureCode>>,
  None<Exclude<Client.KnownFailureCode, keyof typeof FAILURES>>,
  None<Exclude<EventType, Client.EventType> | Exclude<Client.EventType, EventType>>,
  None<Exclude<Client.TaskStatus, TaskView["status"]> | Exclude<Client.FlowStatus, FlowView["status"]>>,
];

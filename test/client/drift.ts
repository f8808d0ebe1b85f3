/**
 * The client's types are the server's, member by member. Types only: `npm run typecheck` holds them together, and its
 * error names the member that one side has and the other has not.
 */

import type { DeadLetter } from "@mjflow/core/dead-letter";
import type { ERRORS, FAILURES } from "@mjflow/core/error";
import type { EventType } from "@mjflow/core/event";
import type { ActionRequest, FlowRequest, ModalInput } from "@mjflow/core/request";
import type { eventView, FlowView, flowSummary, TaskView } from "@mjflow/engine/view";
import type * as Client from "../../packages/client/src/index.ts";

type None<T extends never> = T;
type Is<Server extends Client, Client> = Server;
type Apart<A, B> = Exclude<keyof A, keyof B> | Exclude<keyof B, keyof A>;
type Summary = ReturnType<typeof flowSummary>;

/** What the server answers has every member the client promises, of its type, and none that the client is silent about. */
export type Answers = [
  Is<FlowView, Client.Flow>,
  None<Apart<Client.Flow, FlowView>>,
  Is<Summary, Client.FlowSummary>,
  None<Apart<Client.FlowSummary, Summary>>,
  Is<TaskView, Client.Task>,
  None<Apart<Client.Task, TaskView>>,
  None<Apart<Client.Counts, FlowView["counts"]>>,
  None<Apart<Client.Button, TaskView["buttons"][number]>>,
  None<Apart<Client.Media, TaskView["images"][number]>>,
  None<Apart<Client.Orphan, TaskView["orphans"][number]>>,
  None<Apart<Client.Failure, NonNullable<TaskView["failure"]>>>,
  Is<ReturnType<typeof eventView>, Client.EventBody["data"]>,
  Is<DeadLetter["state"], Client.DeadLetter["state"]>,
];

/** What the client lets an app send the server takes, and what the server takes an app can send. */
export type Requests = [
  Is<Client.FlowInput, FlowRequest>,
  None<Exclude<keyof FlowRequest, keyof Client.FlowInput>>,
  Is<Client.PressInput, ActionRequest>,
  None<Apart<Client.PressInput, ActionRequest>>,
  Is<Client.ModalInput, ModalInput>,
  None<Apart<Client.ModalInput, ModalInput>>,
];

export type Words = [
  None<Exclude<keyof typeof ERRORS, Client.ServerErrorCode>>,
  None<Exclude<keyof typeof FAILURES, Client.KnownFailureCode>>,
  None<Exclude<Client.KnownFailureCode, keyof typeof FAILURES>>,
  None<Exclude<EventType, Client.EventType> | Exclude<Client.EventType, EventType>>,
  None<Exclude<Client.TaskStatus, TaskView["status"]> | Exclude<Client.FlowStatus, FlowView["status"]>>,
];

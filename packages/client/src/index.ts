export type { AppKeys, Apps } from "./app.ts";
export { Mjflow } from "./client.ts";
export type { MjflowOptions } from "./config.ts";
export type { Deliveries, Endpoints, Replays } from "./endpoint.ts";
export { type ClientErrorCode, type ErrorCode, isMjflowError, MjflowError, type ServerErrorCode } from "./error.ts";
export type { FlowEvent } from "./event-replay.ts";
export type {
  CallOptions,
  CreateManyOptions,
  CreateOptions,
  FlowChanges,
  FlowCreation,
  FlowHandle,
  Flows,
  KeyedOptions,
} from "./flow.ts";
export type { List } from "./list.ts";
export type { DeadLetters, Operations, Providers } from "./operator.ts";
export type { Folders, Pictures } from "./picture.ts";
export {
  FlowFailedError,
  type Output,
  type RunInput,
  type RunOptions,
  type TextAction,
  type TextResult,
} from "./run.ts";
export type { Sessions } from "./session.ts";
export type { Shares } from "./share.ts";
export type { Tasks } from "./task.ts";
export type { Templates } from "./template.ts";
export type { Call } from "./transport.ts";
export type * from "./types.ts";
export type {
  FileBatch,
  FileChanges,
  FileFlow,
  FileModal,
  FilePlan,
  FilePress,
  ImageFile,
  SendOptions,
  Uploads,
} from "./upload.ts";
export { type EventsOptions, type WaitOptions, WaitTimeoutError } from "./wait.ts";
export {
  type VerifyOptions,
  verifyWebhook,
  WebhookError,
  type WebhookEvent,
  type WebhookFault,
  type WebhookHeaders,
  webhooks,
} from "./webhook.ts";

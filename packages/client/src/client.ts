/** The API as one object. Address and key are set once, or read from the environment. */
import { Apps } from "./app.ts";
import { configOf, type MjflowOptions } from "./config.ts";
import { Deliveries, Endpoints, Replays } from "./endpoint.ts";
import type { FlowEvent } from "./event-replay.ts";
import { Flows } from "./flow.ts";
import { DeadLetters, Operations, Providers } from "./operator.ts";
import { Pictures } from "./picture.ts";
import {
  type Output,
  type RunInput,
  type RunOptions,
  run,
  streamRun,
  type TextAction,
  type TextResult,
} from "./run.ts";
import { Sessions } from "./session.ts";
import { Shares } from "./share.ts";
import { Tasks } from "./task.ts";
import { Templates } from "./template.ts";
import { type Call, Transport } from "./transport.ts";
import type { RootAction } from "./types.ts";
import { Uploads } from "./upload.ts";
import { webhooks } from "./webhook.ts";

/**
 *     const mjflow = new Mjflow();
 *     const outputs = await mjflow.run("a boat", { provider: "simulator", then: "upscale:all" });
 *
 * Every call rejects only with a MjflowError.
 */
export class Mjflow {
  readonly flows: Flows;
  readonly tasks: Tasks;
  readonly templates: Templates;
  readonly endpoints: Endpoints;
  readonly deliveries: Deliveries;
  readonly replays: Replays;
  readonly providers: Providers;
  readonly deadLetters: DeadLetters;
  readonly operations: Operations;
  readonly apps: Apps;
  readonly uploads: Uploads;
  readonly pictures: Pictures;
  readonly sessions: Sessions;
  readonly shares: Shares;
  readonly webhooks = webhooks;
  readonly #transport: Transport;

  /** @throws MjflowError `invalid_argument` if an option is not valid */
  constructor(options: MjflowOptions = {}) {
    const transport = new Transport(configOf(options));
    this.#transport = transport;
    this.uploads = new Uploads(transport);
    this.pictures = new Pictures(transport);
    this.flows = new Flows(transport, this.uploads);
    this.tasks = new Tasks(transport, this.uploads);
    this.templates = new Templates(transport);
    this.endpoints = new Endpoints(transport);
    this.deliveries = new Deliveries(transport);
    this.replays = new Replays(transport);
    this.providers = new Providers(transport);
    this.deadLetters = new DeadLetters(transport);
    this.operations = new Operations(transport);
    this.apps = new Apps(transport);
    this.sessions = new Sessions(transport);
    this.shares = new Shares(transport);
  }

  /**
   * Creates a flow, waits until it ends and returns its pictures: those at the ends of the branches of `then`. Each has its
   * `task`, whose buttons can be pressed. The result of describe and shorten is a text. Actions without a prompt get undefined.
   *
   * @throws FlowFailedError if the flow fails, or a branch without `partial`; WaitTimeoutError, and the errors of `flows.create`
   */
  run(
    prompt: string | undefined,
    input: RunInput<TextAction> & { action: TextAction },
    options?: RunOptions,
  ): Promise<TextResult[]>;
  run(
    prompt: string | undefined,
    input?: RunInput<Exclude<RootAction, TextAction>>,
    options?: RunOptions,
  ): Promise<Output[]>;
  run(prompt: string | undefined, input?: RunInput, options?: RunOptions): Promise<(Output | TextResult)[]> {
    return run(this.flows, prompt, input, options);
  }

  /**
   * Creates a flow when the iteration begins, and yields its events until it ends: typed by `type`, with progress. Ending the
   * iteration early does not cancel the flow.
   */
  stream(
    prompt: string | undefined,
    input?: RunInput,
    options?: Pick<RunOptions, "idempotencyKey" | "signal" | "follow">,
  ): AsyncGenerator<FlowEvent, void> {
    return streamRun(this.flows, prompt, input, options);
  }

  /** Calls any other route with the same key, errors and retries: `request({ path: "/v1/usage" })`. */
  request<T = unknown>(call: Call): Promise<T> {
    return this.#transport.send<T>(call);
  }
}

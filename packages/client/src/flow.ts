/** `/v1/flows`: creating, reading and following flows. */
import { invalidArgument } from "./error.ts";
import type { FlowEvent } from "./event-replay.ts";
import { newIdempotencyKey } from "./key.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type { Flow, FlowBatch, FlowInput, FlowListEntry, FlowQuery } from "./types.ts";
import { type FileChanges, type FileFlow, Uploads, withUploads } from "./upload.ts";
import type { EventsOptions, eventsOf, WaitOptions, waitFor } from "./wait.ts";

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface KeyedOptions extends CallOptions {
  /**
   * Idempotency key. Default: a new key for each call, so that the client's retries never pay twice. Set it if your own
   * code repeats the call. A repeated call must have the same content: send files with `uploads.send` before, and give their ids.
   */
  idempotencyKey?: string | undefined;
}

export interface CreateOptions extends KeyedOptions {
  /**
   * Time that the server may hold its response until the flow has ended, in seconds (at most 25). Default: the server
   * responds immediately.
   */
  waitS?: number | undefined;
}

export interface CreateManyOptions extends KeyedOptions {
  /** Fields that all flows have unless they set them. Default: none. */
  shared?: Partial<FlowInput | FileFlow> | undefined;
}

/** Fields of a request that change; null removes a field. Images may be files. */
export type FlowChanges = FileChanges;

/** A created flow. `flow` is its state in the server's response. */
export class FlowHandle {
  readonly id: string;
  readonly flow: Flow;
  readonly #flows: Flows;
  readonly #wait: (options?: WaitOptions) => Promise<Flow>;

  /** @param wait waits for the flow; it knows when the server sent it */
  constructor(flows: Flows, flow: Flow, wait: (options?: WaitOptions) => Promise<Flow>) {
    this.id = flow.id;
    this.flow = flow;
    this.#flows = flows;
    this.#wait = wait;
  }

  wait(options?: WaitOptions): Promise<Flow> {
    return this.#wait(options);
  }

  events(options?: EventsOptions): AsyncGenerator<FlowEvent, void> {
    return this.#flows.events(this.id, options);
  }

  async cancel(options?: CallOptions): Promise<Flow> {
    return this.#flows.cancel(this.id, options);
  }
}

/** A promise of the handle. `wait` and `events` can be called without awaiting it: `flows.create(…).wait()`. */
export interface FlowCreation extends Promise<FlowHandle> {
  wait(options?: WaitOptions): Promise<Flow>;
  events(options?: EventsOptions): AsyncGenerator<FlowEvent, void>;
}

/** The functions of `wait.ts`. A program that loads them later gives its own ones. */
export interface Waiting {
  waitFor: typeof waitFor;
  eventsOf: typeof eventsOf;
}

export class Flows {
  readonly #transport: Transport;
  readonly #waiting: Waiting;
  readonly #uploads: Uploads;

  constructor(transport: Transport, waiting: Waiting, uploads = new Uploads(transport)) {
    this.#transport = transport;
    this.#waiting = waiting;
    this.#uploads = uploads;
  }

  /** Creates a flow. Images that are files are uploaded first. */
  create(input: FlowInput | FileFlow, options: CreateOptions = {}): FlowCreation {
    const handle = this.#create(input, options);
    return Object.assign(handle, {
      wait: async (waitOptions?: WaitOptions) => (await handle).wait(waitOptions),
      async *events(eventsOptions?: EventsOptions) {
        yield* (await handle).events(eventsOptions);
      },
    });
  }

  async #create(
    input: FlowInput | FileFlow,
    { idempotencyKey = newIdempotencyKey(), waitS, signal }: CreateOptions,
  ): Promise<FlowHandle> {
    if (input.permutations === "expand") {
      throw invalidArgument("Use `createMany`, because the prompt can stand for several flows.", "permutations");
    }
    const flow = await this.#transport.send<Flow>({
      method: "POST",
      path: "/v1/flows",
      body: await withUploads(this.#uploads, input, { signal }),
      idempotencyKey,
      ...(waitS !== undefined && { headers: { prefer: `wait=${waitS}` } }),
      signal,
    });
    return this.#handle(flow);
  }

  /**
   * Creates up to 100 flows with one request. A flow that cannot be created stops no other one: `data` has a result for each.
   * A repeated call with the same `idempotencyKey` returns the same flows, and tries again to create the missing ones. With
   * `permutations: "expand"` an input can stand for several flows. Images that are files are uploaded first, each one once.
   */
  async createMany(
    inputs: readonly Partial<FlowInput | FileFlow>[],
    { shared, idempotencyKey = newIdempotencyKey(), signal }: CreateManyOptions = {},
  ): Promise<FlowBatch> {
    const body = await withUploads(this.#uploads, { ...shared, batch: inputs }, { signal });
    return this.#transport.send({ method: "POST", path: "/v1/flows", body, idempotencyKey, signal });
  }

  /**
   * Creates a new flow from the request of another one, with its images and its plan. Images that are files are uploaded first.
   * @param changes fields that change; null removes a field
   */
  async rerun(
    id: string,
    changes: FlowChanges = {},
    { idempotencyKey = newIdempotencyKey(), signal }: KeyedOptions = {},
  ): Promise<FlowHandle> {
    const path = `/v1/flows/${segment(id)}/rerun`;
    const body = await withUploads(this.#uploads, changes, { signal });
    const flow = await this.#transport.send<Flow>({ method: "POST", path, body, idempotencyKey, signal });
    return this.#handle(flow);
  }

  #handle(flow: Flow): FlowHandle {
    const known = { flow, atMs: this.#transport.now() };
    return new FlowHandle(this, flow, (options) => this.#waiting.waitFor(this.#transport, flow.id, options, known));
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<Flow> {
    return this.#transport.send({ path: `/v1/flows/${segment(id)}`, signal });
  }

  /** Lists flows, newest first. */
  list(query: FlowQuery = {}, options?: CallOptions): List<FlowListEntry> {
    return listOf(this.#transport, "/v1/flows", { ...query }, options);
  }

  /** Cancels a flow. No new tasks are submitted; submitted tasks finish and are paid. */
  async cancel(id: string, { signal }: CallOptions = {}): Promise<Flow> {
    return this.#transport.send({ method: "POST", path: `/v1/flows/${segment(id)}/cancel`, signal });
  }

  /**
   * Deletes an ended flow with its tasks, deliveries and images. A running flow rejects with `wrong_state`. A flow that is deleted
   * already is no error.
   */
  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.send({ method: "DELETE", path: `/v1/flows/${segment(id)}`, signal });
  }

  async resume(id: string, { signal }: CallOptions = {}): Promise<Flow> {
    return this.#transport.send({ method: "POST", path: `/v1/flows/${segment(id)}/resume`, signal });
  }

  /** Waits until the flow has ended; see `WaitOptions`. */
  wait(id: string, options?: WaitOptions): Promise<Flow> {
    return this.#waiting.waitFor(this.#transport, id, options);
  }

  events(id: string, options?: EventsOptions): AsyncGenerator<FlowEvent, void> {
    return this.#waiting.eventsOf(this.#transport, id, options);
  }
}

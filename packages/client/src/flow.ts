/** `/v1/flows` */
import type { FlowEvent } from "./event-replay.ts";
import { newIdempotencyKey } from "./key.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type { Flow, FlowInput, FlowQuery, FlowSummary } from "./types.ts";
import { type EventsOptions, eventsOf, type WaitOptions, waitFor } from "./wait.ts";

export interface CallOptions {
  signal?: AbortSignal;
}

export interface KeyedOptions extends CallOptions {
  /** Default: one of its own for each call, so that its retries never pay twice. Yours: for retries of your own. */
  idempotencyKey?: string;
}

export interface CreateOptions extends KeyedOptions {
  /** Let the server answer only when the flow has ended, or after so many seconds (at most 25). */
  waitS?: number;
}

/** A flow that was created. `flow` is how it was then. */
export class FlowHandle {
  readonly id: string;
  readonly flow: Flow;
  readonly #flows: Flows;

  constructor(flows: Flows, flow: Flow) {
    this.id = flow.id;
    this.flow = flow;
    this.#flows = flows;
  }

  wait(options?: WaitOptions): Promise<Flow> {
    return this.#flows.wait(this.id, options);
  }

  events(options?: EventsOptions): AsyncGenerator<FlowEvent, void> {
    return this.#flows.events(this.id, options);
  }

  async cancel(options?: CallOptions): Promise<Flow> {
    return this.#flows.cancel(this.id, options);
  }
}

/** Await it for the handle, or go straight on: `flows.create(…).wait()`. */
export interface FlowCreation extends Promise<FlowHandle> {
  wait(options?: WaitOptions): Promise<Flow>;
  events(options?: EventsOptions): AsyncGenerator<FlowEvent, void>;
}

export class Flows {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  create(input: FlowInput, options: CreateOptions = {}): FlowCreation {
    const handle = this.#create(input, options);
    return Object.assign(handle, {
      wait: async (waiting?: WaitOptions) => (await handle).wait(waiting),
      async *events(listening?: EventsOptions) {
        yield* (await handle).events(listening);
      },
    });
  }

  async #create(
    input: FlowInput,
    { idempotencyKey = newIdempotencyKey(), waitS, signal }: CreateOptions,
  ): Promise<FlowHandle> {
    const flow = await this.#transport.send<Flow>({
      method: "POST",
      path: "/v1/flows",
      body: input,
      idempotencyKey,
      ...(waitS !== undefined && { headers: { prefer: `wait=${waitS}` } }),
      signal,
    });
    return new FlowHandle(this, flow);
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<Flow> {
    return this.#transport.send({ path: `/v1/flows/${segment(id)}`, signal });
  }

  /** Newest first. */
  list(query: FlowQuery = {}, options?: CallOptions): List<FlowSummary> {
    return listOf(this.#transport, "/v1/flows", { ...query }, options);
  }

  /** Starts nothing more; what the vendor already has is paid for and may still arrive. */
  async cancel(id: string, { signal }: CallOptions = {}): Promise<Flow> {
    return this.#transport.send({ method: "POST", path: `/v1/flows/${segment(id)}/cancel`, signal });
  }

  async resume(id: string, { signal }: CallOptions = {}): Promise<Flow> {
    return this.#transport.send({ method: "POST", path: `/v1/flows/${segment(id)}/resume`, signal });
  }

  /** The flow, ended; see `WaitOptions`. */
  wait(id: string, options?: WaitOptions): Promise<Flow> {
    return waitFor(this.#transport, id, options);
  }

  events(id: string, options?: EventsOptions): AsyncGenerator<FlowEvent, void> {
    return eventsOf(this.#transport, id, options);
  }
}

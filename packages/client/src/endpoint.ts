/** `/v1/endpoints`: addresses that hear an app's events. `/v1/deliveries`: what became of each of them. */
import type { CallOptions } from "./flow.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type {
  Delivery,
  DeliveryQuery,
  Endpoint,
  EndpointInput,
  EndpointPatch,
  NewEndpoint,
  Replayed,
  ReplayInput,
} from "./types.ts";

export class Endpoints {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Its `secret` is shown here and at `rotate`, and never again. */
  async create(input: EndpointInput, { signal }: CallOptions = {}): Promise<NewEndpoint> {
    return this.#transport.send({ method: "POST", path: "/v1/endpoints", body: input, signal });
  }

  list(options?: CallOptions): List<Endpoint> {
    return listOf(this.#transport, "/v1/endpoints", {}, options);
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<Endpoint> {
    return this.#transport.send({ path: pathOf(id), signal });
  }

  async update(id: string, patch: EndpointPatch, { signal }: CallOptions = {}): Promise<Endpoint> {
    return this.#transport.send({ method: "PATCH", path: pathOf(id), body: patch, signal });
  }

  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.send({ method: "DELETE", path: pathOf(id), signal });
  }

  /** A new secret; the one before signs beside it for `overlapS` seconds. */
  async rotate(id: string, { overlapS, signal }: CallOptions & { overlapS?: number } = {}): Promise<NewEndpoint> {
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/rotate`, body: { overlapS }, signal });
  }

  /** Delivers again what happened between two times. */
  async replay(id: string, input: ReplayInput = {}, { signal }: CallOptions = {}): Promise<Replayed> {
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/replay`, body: input, signal });
  }

  /** Posts a sample event there, now. */
  async test<T = unknown>(id: string, { signal }: CallOptions = {}): Promise<T> {
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/test`, signal });
  }
}

export class Deliveries {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(query: DeliveryQuery = {}, options?: CallOptions): List<Delivery> {
    return listOf(this.#transport, "/v1/deliveries", { ...query }, options);
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<Delivery> {
    return this.#transport.send({ path: `/v1/deliveries/${segment(id)}`, signal });
  }

  async replay(id: string, { signal }: CallOptions = {}): Promise<Delivery> {
    return this.#transport.send({ method: "POST", path: `/v1/deliveries/${segment(id)}/replay`, signal });
  }
}

function pathOf(id: string): string {
  return `/v1/endpoints/${segment(id)}`;
}

/** `/v1/endpoints`: webhook endpoints of an app. `/v1/deliveries` and `/v1/replays`: the deliveries to them. */
import type { CallOptions } from "./flow.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type {
  Delivery,
  DeliveryDetail,
  DeliveryQuery,
  Endpoint,
  EndpointInput,
  EndpointPatch,
  NewEndpoint,
  Replay,
  ReplayInput,
} from "./types.ts";

export class Endpoints {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Creates a webhook endpoint. Only this call and `rotate` return the `secret`. */
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

  /** Creates a new secret. Webhooks are also signed with the previous secret for `overlapS` seconds. */
  async rotate(id: string, { overlapS, signal }: CallOptions & { overlapS?: number } = {}): Promise<NewEndpoint> {
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/rotate`, body: { overlapS }, signal });
  }

  /** Starts a job that replays the deliveries of a time range. `replays.get` returns its counts. */
  async replay(id: string, input: ReplayInput = {}, { signal }: CallOptions = {}): Promise<Replay> {
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/replay`, body: input, signal });
  }

  /** Sends a test event to the endpoint immediately. */
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

  /** Returns the delivery with the payload that its next attempt would post. */
  async get(id: string, { signal }: CallOptions = {}): Promise<DeliveryDetail> {
    return this.#transport.send({ path: `/v1/deliveries/${segment(id)}`, signal });
  }

  async replay(id: string, { signal }: CallOptions = {}): Promise<Delivery> {
    return this.#transport.send({ method: "POST", path: `/v1/deliveries/${segment(id)}/replay`, signal });
  }
}

export class Replays {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(options?: CallOptions): List<Replay> {
    return listOf(this.#transport, "/v1/replays", {}, options);
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<Replay> {
    return this.#transport.send({ path: `/v1/replays/${segment(id)}`, signal });
  }

  /** Cancels a running replay. One that has ended stays as it is. */
  async cancel(id: string, { signal }: CallOptions = {}): Promise<Replay> {
    return this.#transport.send({ method: "POST", path: `/v1/replays/${segment(id)}/cancel`, signal });
  }
}

function pathOf(id: string): string {
  return `/v1/endpoints/${segment(id)}`;
}

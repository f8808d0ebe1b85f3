/** `/v1/providers`, and for the operator of the stage `/v1/dead-letters`, and what waits. */
import type { CallOptions } from "./flow.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type { DeadLetter, Overdue, Provider, QueueDepth, Resealed, Unclear } from "./types.ts";

export class Providers {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** With the health of each. */
  list(options?: CallOptions): List<Provider> {
    return listOf(this.#transport, "/v1/providers", {}, options);
  }
}

/** Queue messages that nobody could read. */
export class DeadLetters {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(options?: CallOptions): List<DeadLetter> {
    return listOf(this.#transport, "/v1/dead-letters", {}, options);
  }

  /** Sends it to its queue once more. */
  async redrive(id: string, { signal }: CallOptions = {}): Promise<DeadLetter> {
    return this.#transport.send({ method: "POST", path: `/v1/dead-letters/${segment(id)}/redrive`, signal });
  }

  /** Lets it go; the record that it was stays. */
  async drop(id: string, { signal }: CallOptions = {}): Promise<DeadLetter> {
    return this.#transport.send({ method: "DELETE", path: `/v1/dead-letters/${segment(id)}`, signal });
  }
}

/** What waits, and where; of all apps. */
export class Operations {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  queues(options?: CallOptions): List<QueueDepth> {
    return listOf(this.#transport, "/v1/queues", {}, options);
  }

  /** Everything sealed with the vault's previous key is sealed with its newest, so that the previous can be taken away. */
  async reseal({ signal }: CallOptions = {}): Promise<Resealed> {
    const sum = { looked: 0, resealed: 0, lost: 0 };
    let cursor: string | null = null;
    do {
      const query: Record<string, string> = cursor === null ? {} : { cursor };
      const page: Resealed & { nextCursor: string | null } = await this.#transport.send({
        method: "POST",
        path: "/v1/vault/reseal",
        query,
        signal,
      });
      for (const name of ["looked", "resealed", "lost"] as const) sum[name] += page[name];
      cursor = page.nextCursor;
    } while (cursor !== null);
    return sum;
  }

  async overdue({ signal }: CallOptions = {}): Promise<Overdue> {
    return this.#transport.send({ path: "/v1/overdue", signal });
  }

  /** Tasks in doubt: at most 50, those first that are settled first. */
  async unclear({ signal }: CallOptions = {}): Promise<Unclear> {
    return this.#transport.send({ path: "/v1/unclear", signal });
  }
}

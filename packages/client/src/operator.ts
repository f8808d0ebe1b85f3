/**
 * `/v1/providers`, and for the operator `/v1/dead-letters` and the state of queues, overdue work and unclear
 * submissions.
 */
import type { CallOptions } from "./flow.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type { AccountTest, DeadLetter, Overdue, Provider, QueueDepth, Resealed, Unclear } from "./types.ts";

export class Providers {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Lists the providers with the health of their accounts. */
  list(options?: CallOptions): List<Provider> {
    return listOf(this.#transport, "/v1/providers", {}, options);
  }

  /**
   * Tests the base URL and the key of a vendor account. It costs nothing at the vendor. A refused key is a result, and no error.
   *
   * @throws MjflowError `forbidden` without the operator key; `not_found`; `wrong_state` if the account has no readable key
   */
  async testAccount(provider: string, account: string, { signal }: CallOptions = {}): Promise<AccountTest> {
    const path = `/v1/providers/${segment(provider)}/accounts/${segment(account)}/test`;
    return this.#transport.send({ method: "POST", path, signal });
  }
}

/** Dead-letter messages: queue messages that failed too often. */
export class DeadLetters {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(options?: CallOptions): List<DeadLetter> {
    return listOf(this.#transport, "/v1/dead-letters", {}, options);
  }

  /** Sends the message to its queue again. */
  async redrive(id: string, { signal }: CallOptions = {}): Promise<DeadLetter> {
    return this.#transport.send({ method: "POST", path: `/v1/dead-letters/${segment(id)}/redrive`, signal });
  }

  /** Marks the message as not wanted; its record stays. */
  async discard(id: string, { signal }: CallOptions = {}): Promise<DeadLetter> {
    return this.#transport.send({ method: "DELETE", path: `/v1/dead-letters/${segment(id)}`, signal });
  }

  /** @deprecated Use `discard`. */
  async drop(id: string, options?: CallOptions): Promise<DeadLetter> {
    return this.discard(id, options);
  }
}

/** Queues, overdue work and unclear submissions of all apps, and re-encryption of stored secrets. */
export class Operations {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  queues(options?: CallOptions): List<QueueDepth> {
    return listOf(this.#transport, "/v1/queues", {}, options);
  }

  /**
   * Re-encrypts all secrets that are encrypted with an earlier vault key with the newest one. After that the previous
   * vault key can be removed.
   */
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

  /** Lists unclear submissions: at most 50, the next one to be resolved first. */
  async unclear({ signal }: CallOptions = {}): Promise<Unclear> {
    return this.#transport.send({ path: "/v1/unclear", signal });
  }
}

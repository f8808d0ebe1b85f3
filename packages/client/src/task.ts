/** `/v1/tasks`: one task, and what a person may do with it by hand. */
import type { CallOptions, KeyedOptions } from "./flow.ts";
import { newIdempotencyKey } from "./key.ts";
import { segment, type Transport } from "./transport.ts";
import type { ModalInput, PressInput, PressName, Task } from "./types.ts";

export class Tasks {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<Task> {
    return this.#transport.send({ path: pathOf(id), signal });
  }

  /** What the vendor said of it last, cleaned of what is nobody's business: text, and untrusted. Null: nothing, or too much. */
  async raw(id: string, { signal }: CallOptions = {}): Promise<string | null> {
    const { body } = await this.#transport.send<{ body: string | null }>({ path: `${pathOf(id)}/raw`, signal });
    return body;
  }

  /** Presses a button of a finished task, once, however often it must be sent; the answer is the new task. */
  async press(id: string, press: PressName | PressInput, options: KeyedOptions = {}): Promise<Task> {
    const { idempotencyKey = newIdempotencyKey(), signal } = options;
    const body = typeof press === "string" ? { press } : press;
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/actions`, body, idempotencyKey, signal });
  }

  /** Answers an open window (status MODAL). */
  async modal(id: string, answer: ModalInput, options: KeyedOptions = {}): Promise<Task> {
    const { idempotencyKey = newIdempotencyKey(), signal } = options;
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/modal`, body: answer, idempotencyKey, signal });
  }

  /** Has a failed task submitted once more; it is paid for again. After `unreachable`, read the task first. */
  async retry(id: string, { signal }: CallOptions = {}): Promise<Task> {
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/retry`, signal });
  }
}

function pathOf(id: string): string {
  return `/v1/tasks/${segment(id)}`;
}

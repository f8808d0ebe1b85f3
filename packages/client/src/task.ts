/** `/v1/tasks`: one task, and what a person may do with it by hand. */
import type { CallOptions } from "./flow.ts";
import { segment, type Transport } from "./transport.ts";
import type { ModalInput, PressInput, PressName, Task } from "./types.ts";

export class Tasks {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<Task> {
    return this.#transport.send({ path: `/v1/tasks/${segment(id)}`, signal });
  }

  /**
   * Presses a button of a finished task; the answer is the new task. A press is paid for and has no key to tell a second
   * sending from a second press: it is never sent again by itself. After `unreachable`, read the flow first.
   */
  async press(id: string, press: PressName | PressInput, { signal }: CallOptions = {}): Promise<Task> {
    const body = typeof press === "string" ? { press } : press;
    return this.#transport.send({ method: "POST", path: `/v1/tasks/${segment(id)}/actions`, body, signal });
  }

  /** Answers an open window (status MODAL). */
  async modal(id: string, answer: ModalInput, { signal }: CallOptions = {}): Promise<Task> {
    return this.#transport.send({ method: "POST", path: `/v1/tasks/${segment(id)}/modal`, body: answer, signal });
  }

  /** Sends a failed task once more; it is paid for again. */
  async retry(id: string, { signal }: CallOptions = {}): Promise<Task> {
    return this.#transport.send({ method: "POST", path: `/v1/tasks/${segment(id)}/retry`, signal });
  }
}

/** `/v1/tasks`: reading a task, pressing its buttons, modal answers, retries. */
import type { CallOptions, KeyedOptions } from "./flow.ts";
import { newIdempotencyKey } from "./key.ts";
import { segment, type Transport } from "./transport.ts";
import type { ModalInput, PressInput, PressName, TaskRead } from "./types.ts";
import { type FileModal, type FilePress, Uploads, withUploads } from "./upload.ts";

export class Tasks {
  readonly #transport: Transport;

  readonly #uploads: Uploads;

  constructor(transport: Transport, uploads = new Uploads(transport)) {
    this.#transport = transport;
    this.#uploads = uploads;
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<TaskRead> {
    return this.#transport.send({ path: pathOf(id), signal });
  }

  /**
   * Returns the vendor's last response about the task as untrusted text, without internal fields, callback URLs and
   * embedded images. Null if there is none or it is too large.
   */
  async raw(id: string, { signal }: CallOptions = {}): Promise<string | null> {
    const { body } = await this.#transport.send<{ body: string | null }>({ path: `${pathOf(id)}/raw`, signal });
    return body;
  }

  /**
   * Presses a button of a finished task and returns the new task. Retries of the request press the button only once.
   */
  async press(id: string, press: PressName | PressInput | FilePress, options: KeyedOptions = {}): Promise<TaskRead> {
    const { idempotencyKey = newIdempotencyKey(), signal } = options;
    const body = typeof press === "string" ? { press } : await withUploads(this.#uploads, press, { signal });
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/actions`, body, idempotencyKey, signal });
  }

  /** Submits the modal answer of a task with status MODAL. `translate`: as in a flow. */
  async modal(
    id: string,
    answer: (ModalInput | FileModal) & { translate?: boolean },
    options: KeyedOptions = {},
  ): Promise<TaskRead> {
    const { idempotencyKey = newIdempotencyKey(), signal } = options;
    const body = await withUploads(this.#uploads, answer, { signal });
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/modal`, body, idempotencyKey, signal });
  }

  /** Retries a failed task; the retry is charged. After `unreachable` read the flow before you call it again. */
  async retry(id: string, { signal }: CallOptions = {}): Promise<TaskRead> {
    return this.#transport.send({ method: "POST", path: `${pathOf(id)}/retry`, signal });
  }
}

function pathOf(id: string): string {
  return `/v1/tasks/${segment(id)}`;
}

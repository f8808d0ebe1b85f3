/** `/v1/templates`: plans that an app stores under names. */
import type { CallOptions } from "./flow.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type { Template, TemplateInput } from "./types.ts";

export class Templates {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Stores a plan under the name, or replaces the stored one. A flow uses it with `template`. */
  async put(name: string, input: TemplateInput, { signal }: CallOptions = {}): Promise<Template> {
    return this.#transport.send({ method: "PUT", path: `/v1/templates/${segment(name)}`, body: input, signal });
  }

  async get(name: string, { signal }: CallOptions = {}): Promise<Template> {
    return this.#transport.send({ path: `/v1/templates/${segment(name)}`, signal });
  }

  list(options?: CallOptions): List<Template> {
    return listOf(this.#transport, "/v1/templates", {}, options);
  }

  async delete(name: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.send({ method: "DELETE", path: `/v1/templates/${segment(name)}`, signal });
  }
}

/** `/v1/apps`, for the operator: apps, their limits and credit, and their API keys. */
import type { CallOptions } from "./flow.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type { App, AppInput, AppKey, AppPatch, NewAppKey, RotatedAppKey } from "./types.ts";

export class Apps {
  readonly keys: AppKeys;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.keys = new AppKeys(transport);
  }

  async create(input: AppInput, { signal }: CallOptions = {}): Promise<App> {
    return this.#transport.send({ method: "POST", path: "/v1/apps", body: input, signal });
  }

  list(options?: CallOptions): List<App> {
    return listOf(this.#transport, "/v1/apps", {}, options);
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<App> {
    return this.#transport.send({ path: pathOf(id), signal });
  }

  async update(id: string, patch: AppPatch, { signal }: CallOptions = {}): Promise<App> {
    return this.#transport.send({ method: "PATCH", path: pathOf(id), body: patch, signal });
  }

  /** Deletes the app. Its keys are no longer accepted; its flows are kept. */
  async delete(id: string, { signal }: CallOptions = {}): Promise<App> {
    return this.#transport.send({ method: "DELETE", path: pathOf(id), signal });
  }
}

export class AppKeys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async create(appId: string, options: CallOptions & { expiresInS?: number } = {}): Promise<NewAppKey> {
    const { expiresInS, signal } = options;
    return this.#transport.send({ method: "POST", path: `${pathOf(appId)}/keys`, body: { expiresInS }, signal });
  }

  list(appId: string, options?: CallOptions): List<AppKey> {
    return listOf(this.#transport, `${pathOf(appId)}/keys`, {}, options);
  }

  /** Creates a new key. The previous key stays active for `overlapS` seconds. */
  async rotate(
    appId: string,
    keyId: string,
    { overlapS, signal }: CallOptions & { overlapS?: number } = {},
  ): Promise<RotatedAppKey> {
    const path = `${pathOf(appId)}/keys/${segment(keyId)}/rotate`;
    return this.#transport.send({ method: "POST", path, body: { overlapS }, signal });
  }

  async revoke(appId: string, keyId: string, { signal }: CallOptions = {}): Promise<AppKey> {
    return this.#transport.send({ method: "DELETE", path: `${pathOf(appId)}/keys/${segment(keyId)}`, signal });
  }
}

function pathOf(id: string): string {
  return `/v1/apps/${segment(id)}`;
}

/** Share links: read-only links to a flow, for people without a key. */
import type { CallOptions } from "./flow.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type { NewShare, Share, SharedFlow, ShareInput } from "./types.ts";

export class Shares {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Creates a share link. Only the result contains its secret and its URL. */
  async create(flowId: string, input: ShareInput = {}, { signal }: CallOptions = {}): Promise<NewShare> {
    return this.#transport.send({ method: "POST", path: `/v1/flows/${segment(flowId)}/shares`, body: input, signal });
  }

  /** Lists the share links of a flow that have not expired. */
  list(flowId: string, options?: CallOptions): List<Share> {
    return listOf(this.#transport, `/v1/flows/${segment(flowId)}/shares`, {}, options);
  }

  /** Ends a share link at once. */
  async revoke(flowId: string, shareId: string, { signal }: CallOptions = {}): Promise<void> {
    const path = `/v1/flows/${segment(flowId)}/shares/${segment(shareId)}`;
    await this.#transport.send({ method: "DELETE", path, signal });
  }

  /** Reads the flow of a share link. The client must have the secret of the link (`mjv_…`) as its `apiKey`. */
  async read({ signal }: CallOptions = {}): Promise<SharedFlow> {
    return this.#transport.send({ path: "/v1/shared", signal });
  }
}

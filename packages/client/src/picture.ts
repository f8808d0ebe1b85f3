/** `/v1/pictures`: the results of all flows. */
import type { CallOptions } from "./flow.ts";
import { type List, listOf } from "./list.ts";
import type { Transport } from "./transport.ts";
import type { Picture, PictureQuery } from "./types.ts";

export class Pictures {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Lists results with an image or a video. The newest flows come first, and in each flow the newest results. */
  list({ video, ...query }: PictureQuery = {}, options?: CallOptions): List<Picture> {
    const filters = { ...query, ...(video !== undefined && { video: String(video) }) };
    return listOf(this.#transport, "/v1/pictures", filters, options);
  }
}

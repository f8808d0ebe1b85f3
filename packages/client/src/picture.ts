/** `/v1/pictures` and `/v1/folders`: the results of all flows, favorites, and folders. */
import type { CallOptions } from "./flow.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type { Folder, MarkInput, MarkResult, Picture, PictureQuery } from "./types.ts";

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

  /**
   * Makes pictures favorites, adds them to a folder or removes them from it. The id of a picture is `<taskId>.<number>`; a task id alone
   * means its first picture. A repeated call changes nothing more.
   *
   * @param ids at most 100
   */
  async mark(ids: readonly string[], change: MarkInput, { signal }: CallOptions = {}): Promise<MarkResult> {
    return this.#transport.send({ method: "PATCH", path: "/v1/pictures", body: { pictures: ids, ...change }, signal });
  }

  async addFavorite(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.send({ method: "PUT", path: `/v1/pictures/${segment(id)}/favorite`, signal });
  }

  async removeFavorite(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.send({ method: "DELETE", path: `/v1/pictures/${segment(id)}/favorite`, signal });
  }
}

export class Folders {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Lists all folders of the app, the oldest first. `pictures.list({ folder })` lists the pictures of one. */
  list(options?: CallOptions): List<Folder> {
    return listOf(this.#transport, "/v1/folders", {}, options);
  }

  /** Creates a folder. If the app has a folder of this name, it is returned. */
  async create(name: string, { signal }: CallOptions = {}): Promise<Folder> {
    return this.#transport.send({ method: "POST", path: "/v1/folders", body: { name }, signal });
  }

  async rename(id: string, name: string, { signal }: CallOptions = {}): Promise<Folder> {
    return this.#transport.send({ method: "PATCH", path: `/v1/folders/${segment(id)}`, body: { name }, signal });
  }

  /** Deletes a folder. Its pictures stay. */
  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.send({ method: "DELETE", path: `/v1/folders/${segment(id)}`, signal });
  }
}

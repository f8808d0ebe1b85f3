/** `/v1/sessions`: sessions of browsers, and the one-time links that start them. */
import type { CallOptions } from "./flow.ts";
import { type List, listOf } from "./list.ts";
import { segment, type Transport } from "./transport.ts";
import type { CurrentCaller, NewSession, NewSignInLink, Session, SessionInput } from "./types.ts";

export class Sessions {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Exchanges the API key for a session. Only the result contains its token. */
  async create(input: SessionInput = {}, { signal }: CallOptions = {}): Promise<NewSession> {
    return this.#transport.send({ method: "POST", path: "/v1/sessions", body: input, signal });
  }

  /** Makes a link to the console that starts a session once. */
  async link(input: Pick<SessionInput, "label"> = {}, { signal }: CallOptions = {}): Promise<NewSignInLink> {
    return this.#transport.send({ method: "POST", path: "/v1/sign-in-links", body: input, signal });
  }

  /** Starts the session of a link. The client must have the token of the link (`mjl_…`) as its `apiKey`. */
  async signIn(input: SessionInput = {}, { signal }: CallOptions = {}): Promise<NewSession> {
    return this.#transport.send({ method: "POST", path: "/v1/sign-in", body: input, signal });
  }

  /** Says who the client's key or session belongs to. */
  async current({ signal }: CallOptions = {}): Promise<CurrentCaller> {
    return this.#transport.send({ path: "/v1/session", signal });
  }

  list(options?: CallOptions): List<Session> {
    return listOf(this.#transport, "/v1/sessions", {}, options);
  }

  /** Ends a session or a link. @param id `current` for the client's own session */
  async end(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.send({ method: "DELETE", path: `/v1/sessions/${segment(id)}`, signal });
  }
}

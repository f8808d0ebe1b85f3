/** The routes of the API, one property for each kind of thing. `Mjflow` is this with `run`, `stream` and `webhooks`. */
import { Apps } from "./app.ts";
import { Deliveries, Endpoints, Replays } from "./endpoint.ts";
import { Flows, type Waiting } from "./flow.ts";
import { DeadLetters, Operations, Providers } from "./operator.ts";
import { Folders, Pictures } from "./picture.ts";
import { Sessions } from "./session.ts";
import { Shares } from "./share.ts";
import { Tasks } from "./task.ts";
import { Templates } from "./template.ts";
import type { Call, Transport } from "./transport.ts";
import { Uploads } from "./upload.ts";

export class Api {
  readonly flows: Flows;
  readonly tasks: Tasks;
  readonly templates: Templates;
  readonly endpoints: Endpoints;
  readonly deliveries: Deliveries;
  readonly replays: Replays;
  readonly providers: Providers;
  readonly deadLetters: DeadLetters;
  readonly operations: Operations;
  readonly apps: Apps;
  readonly uploads: Uploads;
  readonly pictures: Pictures;
  readonly folders: Folders;
  readonly sessions: Sessions;
  readonly shares: Shares;
  readonly #transport: Transport;

  constructor(transport: Transport, waiting: Waiting) {
    this.#transport = transport;
    this.uploads = new Uploads(transport);
    this.pictures = new Pictures(transport);
    this.folders = new Folders(transport);
    this.flows = new Flows(transport, waiting, this.uploads);
    this.tasks = new Tasks(transport, this.uploads);
    this.templates = new Templates(transport);
    this.endpoints = new Endpoints(transport);
    this.deliveries = new Deliveries(transport);
    this.replays = new Replays(transport);
    this.providers = new Providers(transport);
    this.deadLetters = new DeadLetters(transport);
    this.operations = new Operations(transport);
    this.apps = new Apps(transport);
    this.sessions = new Sessions(transport);
    this.shares = new Shares(transport);
  }

  /** Calls any other route with the same key, errors and retries: `request({ path: "/v1/usage" })`. */
  request<T = unknown>(call: Call): Promise<T> {
    return this.#transport.send<T>(call);
  }
}

/** The API as one object. Address and key are set once, or read from the environment. */
import { Apps } from "./app.ts";
import { configOf, type MjflowOptions } from "./config.ts";
import { Deliveries, Endpoints, Replays } from "./endpoint.ts";
import { Flows } from "./flow.ts";
import { DeadLetters, Operations, Providers } from "./operator.ts";
import { Tasks } from "./task.ts";
import { type Call, Transport } from "./transport.ts";

/**
 *     const mjflow = new Mjflow();
 *     const flow = await mjflow.flows.create({ provider: "simulator", prompt: "a boat" }).wait();
 *
 * Every call rejects only with a MjflowError.
 */
export class Mjflow {
  readonly flows: Flows;
  readonly tasks: Tasks;
  readonly endpoints: Endpoints;
  readonly deliveries: Deliveries;
  readonly replays: Replays;
  readonly providers: Providers;
  readonly deadLetters: DeadLetters;
  readonly operations: Operations;
  readonly apps: Apps;
  readonly #transport: Transport;

  /** @throws MjflowError `invalid_argument` if an option is not valid */
  constructor(options: MjflowOptions = {}) {
    const transport = new Transport(configOf(options));
    this.#transport = transport;
    this.flows = new Flows(transport);
    this.tasks = new Tasks(transport);
    this.endpoints = new Endpoints(transport);
    this.deliveries = new Deliveries(transport);
    this.replays = new Replays(transport);
    this.providers = new Providers(transport);
    this.deadLetters = new DeadLetters(transport);
    this.operations = new Operations(transport);
    this.apps = new Apps(transport);
  }

  /** Calls any other route with the same key, errors and retries: `request({ path: "/v1/usage" })`. */
  request<T = unknown>(call: Call): Promise<T> {
    return this.#transport.send<T>(call);
  }
}

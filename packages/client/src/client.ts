/** The API as one object. Address and key are set once, or read from the environment. */
import { Api } from "./api.ts";
import { configOf, type MjflowOptions } from "./config.ts";
import type { FlowEvent } from "./event-replay.ts";
import {
  type Output,
  type RunInput,
  type RunOptions,
  run,
  streamRun,
  type TextAction,
  type TextResult,
} from "./run.ts";
import { Transport } from "./transport.ts";
import type { RootAction } from "./types.ts";
import { eventsOf, waitFor } from "./wait.ts";
import { webhooks } from "./webhook.ts";

/**
 *     const mjflow = new Mjflow();
 *     const outputs = await mjflow.run("a boat", { provider: "simulator", then: "upscale:all" });
 *
 * Every call rejects only with a MjflowError.
 */
export class Mjflow extends Api {
  readonly webhooks = webhooks;

  /** @throws MjflowError `invalid_argument` if an option is not valid */
  constructor(options: MjflowOptions = {}) {
    super(new Transport(configOf(options)), { waitFor, eventsOf });
  }

  /**
   * Creates a flow, waits until it ends and returns its pictures: those at the ends of the branches of `then`. Each has its
   * `task`, whose buttons can be pressed. The result of describe and shorten is a text. Actions without a prompt get undefined.
   *
   * @throws FlowFailedError if the flow fails, or a branch without `partial`; WaitTimeoutError, and the errors of `flows.create`
   */
  run(
    prompt: string | undefined,
    input: RunInput<TextAction> & { action: TextAction },
    options?: RunOptions,
  ): Promise<TextResult[]>;
  run(
    prompt: string | undefined,
    input?: RunInput<Exclude<RootAction, TextAction>>,
    options?: RunOptions,
  ): Promise<Output[]>;
  run(prompt: string | undefined, input?: RunInput, options?: RunOptions): Promise<(Output | TextResult)[]> {
    return run(this.flows, prompt, input, options);
  }

  /**
   * Creates a flow when the iteration begins, and yields its events until it ends: typed by `type`, with progress. Ending the
   * iteration early does not cancel the flow.
   */
  stream(
    prompt: string | undefined,
    input?: RunInput,
    options?: Pick<RunOptions, "idempotencyKey" | "signal" | "follow">,
  ): AsyncGenerator<FlowEvent, void> {
    return streamRun(this.flows, prompt, input, options);
  }
}

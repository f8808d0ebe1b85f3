/** `mjflow trigger`: sends a signed sample event to a receiver. */
import { randomBytes } from "node:crypto";
import type { EventType } from "@mjflow/client";
import { command, type Option } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit.ts";
import { type Attempt, Forwarder, outcomeText } from "../forward.ts";
import { receiverUrl } from "../receiver-url.ts";
import { SAMPLE_TYPES, sampleEvent } from "../sample-event.ts";
import { pad, stripControlCharacters } from "../text.ts";
import { UsageError } from "../usage-error.ts";
import { SECRET_VARIABLE, webhookSecret } from "../webhook-secret.ts";

/** Event that the server itself sends to an endpoint. */
const TEST_EVENT = "endpoint.test";
const ALL = "all";

const OPTIONS = {
  to: { type: "string", value: "URL|ENDPOINT", help: "URL of your receiver, or the id of a webhook endpoint" },
  state: { type: "string", help: "state of the sample flow" },
} as const satisfies Record<string, Option>;

export const trigger = command({
  name: "trigger",
  summary: "send a signed sample event to a receiver",
  usage: ["<event> --to URL|ENDPOINT"],
  argCount: [1, 1],
  options: OPTIONS,
  choices: [...SAMPLE_TYPES, TEST_EVENT, ALL],
  notes: `
Events: ${SAMPLE_TYPES.join(", ")}.
\`all\` sends one of each. The flow and the task of a sample do not exist. The event is signed with ${SECRET_VARIABLE}.
If it is not set, the command makes a new secret and prints it. The server itself sends \`${TEST_EVENT}\` to an endpoint, signed
with the secret of the endpoint. The exit code is 0 if the receiver accepted every event.

  mjflow trigger task.completed --to http://localhost:3000/webhooks
  mjflow trigger ${TEST_EVENT} --to ep_…`,
  async run(context, { values: { to, state }, positionals: [name = ""] }) {
    if (to === undefined) throw new UsageError("Name the receiver: --to URL or --to ENDPOINT.", "trigger");
    const isEndpoint = /^ep_\w+$/.test(to);
    if (name === TEST_EVENT) {
      if (!isEndpoint) throw new UsageError(`${TEST_EVENT} needs the id of a webhook endpoint in --to.`, "trigger");
      return sendTest(context, to);
    }
    const types = name === ALL ? SAMPLE_TYPES : SAMPLE_TYPES.filter((type) => type === name);
    if (types.length === 0) {
      throw new UsageError(`The event must be one of ${[...SAMPLE_TYPES, TEST_EVENT, ALL].join(", ")}.`, "trigger");
    }
    return sendSamples(context, isEndpoint ? await urlOfEndpoint(context, to) : receiverUrl(to, "--to"), types, state);
  },
});

/** @throws UsageError if no secret is set: the receiver verifies with the secret of the endpoint, which only its owner has */
async function urlOfEndpoint(context: Context, id: string): Promise<URL> {
  if (!context.platform.env[SECRET_VARIABLE]?.trim()) {
    throw new UsageError(
      `Set ${SECRET_VARIABLE} to the secret of the endpoint: the server does not show it again. \`${TEST_EVENT}\` needs no secret.`,
      "trigger",
    );
  }
  const { url } = await context.mjflow.endpoints.get(id, { signal: context.signal });
  if (url === null) throw new UsageError("This endpoint has no URL. Give the URL of your receiver.", "trigger");
  return receiverUrl(url, "The URL of the endpoint");
}

async function sendSamples(context: Context, url: URL, types: readonly EventType[], state: string | undefined) {
  const { secret, isNew } = webhookSecret(context.platform.env);
  const attempts: Attempt[] = [];
  // One attempt: the person at the terminal sees its result and decides.
  const forwarder = new Forwarder({ url, secret, pausesMs: [], onAttempt: (attempt) => attempts.push(attempt) });
  const nonce = randomBytes(6).toString("hex");
  for (const type of types) forwarder.add(sampleEvent(type, state ?? null, context.platform.now(), nonce));
  await forwarder.idle();
  attempts.sort((a, b) => types.indexOf(a.event.body.type) - types.indexOf(b.event.body.type));
  context.show({ url: url.href, ...(isNew && { secret }), events: attempts.map(attemptView) }, () => [
    ...(isNew ? [`secret  ${secret}`] : []),
    ...attempts.map((attempt) => attemptLine(attempt, context)),
  ]);
  return attempts.every(({ isDelivered }) => isDelivered) ? EXIT.ok : EXIT.failed;
}

function attemptView({ event, isDelivered, outcome }: Attempt) {
  const result =
    outcome.kind === "answered" ? { status: outcome.status, response: outcome.body } : { why: outcome.why };
  return { id: event.id, type: event.body.type, delivered: isDelivered, ...result };
}

function attemptLine(attempt: Attempt, { paint }: Context): string {
  const { event, isDelivered, outcome } = attempt;
  const mark = isDelivered ? paint("green", "✓") : paint("red", "✗");
  const response =
    outcome.kind === "answered" && !isDelivered ? stripControlCharacters(outcome.body).slice(0, 200) : "";
  return `${mark} ${pad(event.body.type, 18)}${outcomeText(attempt)}${response && `: ${response}`}`;
}

async function sendTest(context: Context, id: string): Promise<number> {
  interface Result {
    delivered: boolean;
    status?: number;
    why?: string;
    tookMs?: number;
  }
  const result = await context.mjflow.endpoints.test<Result>(id, { signal: context.signal });
  const { delivered, status, why, tookMs } = result;
  const mark = delivered ? context.paint("green", "✓") : context.paint("red", "✗");
  const text = status === undefined ? stripControlCharacters(why ?? "") : `${status} in ${tookMs} ms`;
  context.show(result, () => [`${mark} ${pad(TEST_EVENT, 18)}${text}`]);
  return delivered ? EXIT.ok : EXIT.failed;
}

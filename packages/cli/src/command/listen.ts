/** `mjflow listen`: forwards the events of all flows to a URL of this machine, signed like webhooks. */

import { EVENT_TYPES } from "@mjflow/core/event";
import { isLoopbackUrl } from "@mjflow/core/loopback";
import { command, type Option } from "../command.ts";
import type { Context } from "../context.ts";
import { watchEvents } from "../event-watch.ts";
import { EXIT } from "../exit.ts";
import { type Attempt, Forwarder, type OutgoingEvent, outcomeText } from "../forward.ts";
import { parseEvents } from "../option.ts";
import { receiverUrl } from "../receiver-url.ts";
import { stripControlCharacters } from "../text.ts";
import { SECRET_VARIABLE, type WebhookSecret, webhookSecret } from "../webhook-secret.ts";

/** Pause between two reads. A read costs money on a deployment, and nothing on the local server. */
const INTERVAL_MS = { local: 400, deployment: 1_000 };

const OPTIONS = {
  "forward-to": { type: "string", value: "URL", help: "URL of your receiver: http://localhost:3000/webhooks" },
  events: {
    type: "string",
    multiple: true,
    value: "TYPES",
    help: "event types; default: all except task.progress",
    choices: EVENT_TYPES,
  },
  flow: { type: "string", value: "ID", help: "only this flow; the command ends with it" },
} as const satisfies Record<string, Option>;

export const listen = command({
  name: "listen",
  summary: "forward events to a URL of this machine, signed like webhooks; no tunnel is needed",
  usage: ["[--forward-to URL] [--events TYPES] [--flow ID]"],
  argCount: [0, 0],
  options: OPTIONS,
  notes: `
Reports the events of all flows of the app from now on. Each event is posted like a real webhook: same id, headers and body,
signed with the secret that the command prints. ${SECRET_VARIABLE} keeps the secret the same. Without --forward-to the
events are only shown. A failed post is repeated five times within a minute. Ctrl-C stops the command.

  mjflow listen --forward-to http://localhost:3000/webhooks`,
  async run(context, { values }) {
    const to = values["forward-to"];
    const url = to === undefined ? undefined : receiverUrl(to, "--forward-to");
    const types = new Set<string>(parseEvents(values.events) ?? []);
    const isWanted = ({ body: { type } }: OutgoingEvent) =>
      types.size === 0 ? type !== "task.progress" : types.has(type);
    const signing = webhookSecret(context.platform.env);
    const forwarder =
      url && new Forwarder({ url, secret: signing.secret, onAttempt: (done) => showAttempt(context, done) });
    const { signal, platform, mjflow, connection } = context;
    try {
      await watchEvents(mjflow, {
        signal,
        flowId: values.flow,
        intervalMs: isLoopbackUrl(connection.url) ? INTERVAL_MS.local : INTERVAL_MS.deployment,
        now: platform.now,
        onReady: () => showStart(context, url, signing),
        onEvent(event) {
          if (!isWanted(event)) return;
          showEvent(context, event);
          forwarder?.add(event);
        },
        onOutage(error) {
          context.note(
            error ? `! ${stripControlCharacters(error.detail)} Trying again.` : "The server responds again.",
          );
        },
      });
      if (!signal.aborted) await forwarder?.idle();
    } finally {
      const undelivered = (await forwarder?.stop()) ?? 0;
      if (undelivered > 0) {
        context.note(`${undelivered} ${undelivered === 1 ? "event was" : "events were"} not accepted by the receiver.`);
      }
    }
    return EXIT.ok;
  },
});

function showStart(context: Context, url: URL | undefined, { secret, isNew }: WebhookSecret): void {
  const { connection, json, paint } = context;
  if (json) {
    context.emit({ listening: connection.url, forwardTo: url?.href ?? null, ...(url && isNew && { secret }) });
    return;
  }
  context.say(`Listening at ${connection.url}${url ? `; events go to ${url.href}` : ""}`);
  if (url && isNew) {
    context.say(`  secret  ${secret}`, paint("dim", `  export ${SECRET_VARIABLE}=… keeps the secret the same`));
  }
  context.say(paint("dim", "  Ctrl-C stops it"), "");
}

function showEvent(context: Context, { id, body }: OutgoingEvent): void {
  if (context.json) {
    context.emit({ event: { id, ...body } });
    return;
  }
  const { data } = body;
  const press = "press" in data ? data.press : undefined;
  const text = [body.type, stripControlCharacters(data.id ?? ""), press ? stripControlCharacters(press) : ""];
  context.say(`${context.paint("dim", clock(context.platform.now()))} → ${text.filter(Boolean).join("  ")}`);
}

function showAttempt(context: Context, attempt: Attempt): void {
  const { event, number, outcome, isDelivered, nextInMs } = attempt;
  if (context.json) {
    const status = outcome.kind === "answered" ? { status: outcome.status } : { why: outcome.why };
    context.emit({ attempt: { id: event.id, number, ...status, delivered: isDelivered, nextInMs: nextInMs ?? null } });
    return;
  }
  const { paint, platform } = context;
  const result = paint(isDelivered ? "green" : "red", outcomeText(attempt));
  context.say(`${paint("dim", clock(platform.now()))} ← ${result}  ${event.body.type}`);
}

function clock(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}

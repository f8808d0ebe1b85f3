/** `mjflow doctor`: is it there, does it know us, and is anything stuck. */
import { isMjflowError, type MjflowError } from "@mjflow/client";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import {
  checkDeadLetters,
  checkDeliveries,
  checkEndpoints,
  checkFlows,
  checkOverdue,
  checkQueues,
  checkUnclear,
} from "../doctor/backlog.ts";
import { checkClock } from "../doctor/clock.ts";
import type { Finding, Level } from "../doctor/finding.ts";
import { checkVendors } from "../doctor/vendor.ts";
import { EXIT } from "../exit.ts";
import { collect } from "../page.ts";
import type { Style } from "../paint.ts";
import { pad, widthOf } from "../text.ts";

const PATIENCE_MS = 10_000;
/** A route, or a filter, that this server does not have. */
const NOT_REPORTED = new Set(["not_found", "method_not_allowed", "invalid_request"]);
const RECENT_MS = 24 * 3_600_000;
const MARKS: Readonly<Record<Level, readonly [string, Style]>> = {
  ok: ["✓", "green"],
  warn: ["!", "yellow"],
  bad: ["✗", "red"],
  unknown: ["?", "dim"],
};

export const doctor = command({
  name: "doctor",
  summary: "is it reachable, does it take the key, do the vendors call back, is anything stuck",
  usage: [""],
  words: [0, 0],
  options: {},
  notes: `
Ends with 0 when nothing is wrong (warnings included), 1 when something is, 3 when it cannot be reached or refuses the key.`,
  async run(context) {
    const { findings, code } = await runChecks(context);
    context.show({ healthy: code === EXIT.ok, findings }, () => findingLines(findings, context));
    return code;
  },
});

async function runChecks(context: Context): Promise<{ findings: Finding[]; code: number }> {
  const api = await checkReachable(context);
  if (api.some(({ level }) => level === "bad")) return { findings: api, code: EXIT.unreachable };
  const key = await checkKey(context);
  const findings = [...api, key];
  if (key.level === "bad") return { findings, code: EXIT.unreachable };
  findings.push(...(await Promise.all(CHECKS(context))).flat());
  return { findings, code: findings.some(({ level }) => level === "bad") ? EXIT.failed : EXIT.ok };
}

/** Without the key: whether somebody is there, and what time it is for them. */
async function checkReachable({ connection: { url, urlFrom }, platform, signal }: Context): Promise<Finding[]> {
  const about = "address";
  const sentMs = platform.now();
  try {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    const response = await fetch(`${url}/healthz`, { redirect: "manual", signal: timeout });
    const receivedMs = platform.now();
    const clock = checkClock(response.headers.get("date"), sentMs, receivedMs);
    const body: unknown = await response.json().catch(() => undefined);
    if (response.ok && (body as { status?: unknown } | undefined)?.status === "ok") {
      return [{ level: "ok", subject: about, message: `${url} answers in ${receivedMs - sentMs} ms` }, clock];
    }
    return [
      {
        level: "bad",
        subject: about,
        message: `${url} answers, but not as mjflow (HTTP ${response.status})`,
        advice: `It comes from ${urlFrom}.`,
      },
    ];
  } catch {
    const advice =
      urlFrom === "default" ? "Start it with `mjflow dev`, or set MJFLOW_URL." : `It comes from ${urlFrom}.`;
    return [{ level: "bad", subject: about, message: `${url} does not answer`, advice }];
  }
}

async function checkKey(context: Context): Promise<Finding> {
  const about = "key";
  const { keyFrom } = context.connection;
  const { mjflow, signal } = context;
  if (keyFrom === undefined) return { level: "bad", subject: about, message: "none", advice: "Set MJFLOW_API_KEY." };
  try {
    await mjflow.flows.list({ limit: 1 }, { signal }).page();
  } catch (error) {
    if (!isMjflowError(error, "unauthorized")) throw error;
    return {
      level: "bad",
      subject: about,
      message: `the one from ${keyFrom} is refused`,
      advice: "Another stage's, or revoked: ask its operator for one.",
    };
  }
  return { level: "ok", subject: about, message: `taken, from ${keyFrom}` };
}

/** Each by itself: what one part of the API cannot tell keeps none of the others quiet. */
function CHECKS(context: Context): Promise<Finding[]>[] {
  const { mjflow, signal, platform } = context;
  const now = platform.now();
  const [some, all] = [
    { limit: "100", all: undefined },
    { limit: undefined, all: true },
  ];
  const since = new Date(now - RECENT_MS);
  return [
    reported("vendors", async () => checkVendors((await collect(mjflow.providers.list({ signal }), all)).data, now)),
    reported("flows", async () => {
      const { data } = await collect(mjflow.flows.list({ status: "running", limit: 100 }, { signal }), some);
      return [checkFlows(data, now)];
    }),
    reported("endpoints", async () => checkEndpoints((await collect(mjflow.endpoints.list({ signal }), all)).data)),
    reported("deliveries", async () => {
      const failed = mjflow.deliveries.list({ status: "failed", since, limit: 100 }, { signal });
      return [checkDeliveries((await collect(failed, some)).data)];
    }),
    reported("dead letters", async () => [
      checkDeadLetters((await collect(mjflow.deadLetters.list({ signal }), some)).data),
    ]),
    reported("queues", async () => [checkQueues((await collect(mjflow.operations.queues({ signal }), all)).data)]),
    reported("overdue", async () => [checkOverdue(await mjflow.operations.overdue({ signal }), now)]),
    reported("in doubt", async () => [checkUnclear(await mjflow.operations.unclear({ signal }))]),
  ];
}

async function reported(about: string, ask: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await ask();
  } catch (error) {
    if (!isMjflowError(error) || error.code === "aborted") throw error;
    return [notReported(about, error)];
  }
}

function notReported(about: string, error: MjflowError): Finding {
  if (error.code === "forbidden")
    return { level: "ok", subject: about, message: "the operator's: this key is an app's" };
  if (NOT_REPORTED.has(error.code)) return { level: "unknown", subject: about, message: "this server does not tell" };
  return {
    level: "bad",
    subject: about,
    message: error.detail,
    ...(error.advice !== undefined && { advice: error.advice }),
  };
}

function findingLines(findings: readonly Finding[], { paint }: Context): string[] {
  const width = Math.max(...findings.map(({ subject }) => widthOf(subject)));
  return findings.flatMap(({ level, subject, message, advice }) => {
    const [mark, style] = MARKS[level];
    const line = `${paint(style, mark)} ${pad(subject, width)}  ${message}`;
    return advice === undefined ? [line] : [line, paint("dim", `  ${" ".repeat(width)}  ${advice}`)];
  });
}

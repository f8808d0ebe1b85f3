/** `mjflow doctor`: checks the connection, the key, the vendors and the backlog. */
import { isMjflowError, type MjflowError } from "@mjflow/client";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import {
  checkArchive,
  checkDeadLetters,
  checkDeliveries,
  checkEndpoints,
  checkFlows,
  checkOverdue,
  checkQueues,
  checkUnclear,
} from "../doctor/backlog.ts";
import { checkCallbacks } from "../doctor/callback.ts";
import { checkClock } from "../doctor/clock.ts";
import type { Finding, Level } from "../doctor/finding.ts";
import { checkVendors } from "../doctor/vendor.ts";
import { EXIT } from "../exit.ts";
import { collect } from "../page.ts";
import type { Style } from "../paint.ts";
import { pad, stripControlCharacters, widthOf } from "../text.ts";

const HEALTH_TIMEOUT_MS = 10_000;
/** Error codes of a server that does not have the route or the filter. */
const NOT_REPORTED = new Set(["not_found", "route_not_found", "method_not_allowed", "invalid_request"]);
/** Newest flows whose archived images are checked. Each is one request. */
const ARCHIVE_FLOWS = 10;
const RECENT_MS = 24 * 3_600_000;
/** Former names of subjects. The JSON output keeps them, because scripts parse it. */
const JSON_SUBJECTS: Readonly<Record<string, string>> = { "unclear submissions": "in doubt" }; // plain-words: ok
const MARKS: Readonly<Record<Level, readonly [string, Style]>> = {
  ok: ["✓", "green"],
  warn: ["!", "yellow"],
  bad: ["✗", "red"],
  unknown: ["?", "dim"],
};

export const doctor = command({
  name: "doctor",
  summary: "check connection, key, vendors and backlog",
  usage: [""],
  argCount: [0, 0],
  options: {},
  notes: `
Exit codes: 0 no errors (there may be warnings), 1 an error was found, 3 the server cannot be reached or rejects the key.`,
  async run(context) {
    const { findings, code } = await runChecks(context);
    context.show({ healthy: code === EXIT.ok, findings: findings.map(findingView) }, () =>
      findingLines(findings, context),
    );
    return code;
  },
});

/** The JSON form of a finding. Scripts parse these names, so they stay. */
function findingView({ level, subject, message, advice }: Finding) {
  return { level, about: JSON_SUBJECTS[subject] ?? subject, what: message, ...(advice !== undefined && { advice }) };
}

async function runChecks(context: Context): Promise<{ findings: Finding[]; code: number }> {
  const api = await checkReachable(context);
  if (api.some(({ level }) => level === "bad")) return { findings: api, code: EXIT.unreachable };
  const key = await checkKey(context);
  const findings = [...api, key];
  if (key.level === "bad") return { findings, code: EXIT.unreachable };
  findings.push(...checkCallbacks(context.connection.keyFrom ?? ""));
  findings.push(...(await Promise.all(startChecks(context))).flat());
  return { findings, code: findings.some(({ level }) => level === "bad") ? EXIT.failed : EXIT.ok };
}

/** Checks that the server responds, and compares its clock. This request does not contain the key. */
async function checkReachable({ connection: { url, urlFrom }, platform, signal }: Context): Promise<Finding[]> {
  const subject = "address";
  const sentMs = platform.now();
  try {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(HEALTH_TIMEOUT_MS)]);
    const response = await fetch(`${url}/healthz`, { redirect: "manual", signal: timeout });
    const receivedMs = platform.now();
    const clock = checkClock(response.headers.get("date"), sentMs, receivedMs);
    const body: unknown = await response.json().catch(() => undefined);
    if (response.ok && (body as { status?: unknown } | undefined)?.status === "ok") {
      return [{ level: "ok", subject, message: `${url} responds in ${receivedMs - sentMs} ms` }, clock];
    }
    return [
      {
        level: "bad",
        subject,
        message: `${url} responds, but is not mjflow (HTTP ${response.status})`,
        advice: `The address comes from ${urlFrom}.`,
      },
    ];
  } catch {
    const advice =
      urlFrom === "default" ? "Start it with `mjflow dev`, or set MJFLOW_URL." : `The address comes from ${urlFrom}.`;
    return [{ level: "bad", subject, message: `${url} does not respond`, advice }];
  }
}

async function checkKey(context: Context): Promise<Finding> {
  const subject = "key";
  const { keyFrom } = context.connection;
  const { mjflow, signal } = context;
  if (keyFrom === undefined) return { level: "bad", subject, message: "none", advice: "Set MJFLOW_API_KEY." };
  try {
    await mjflow.flows.list({ limit: 1 }, { signal }).page();
  } catch (error) {
    if (!isMjflowError(error, "unauthorized")) throw error;
    return {
      level: "bad",
      subject,
      message: `the server rejects the key from ${keyFrom}`,
      advice:
        typeof error.more["reason"] === "string"
          ? stripControlCharacters(error.detail)
          : "The key belongs to another deployment, or is revoked or expired. Ask the operator for a new one.",
    };
  }
  return { level: "ok", subject, message: `accepted, from ${keyFrom}` };
}

/**
 * Starts all checks. The checks are independent: if one part of the API cannot be read, the other checks still report.
 */
function startChecks(context: Context): Promise<Finding[]>[] {
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
    reported("archive", async () => {
      const { data } = await mjflow.flows.list({ since, limit: ARCHIVE_FLOWS }, { signal }).page();
      return [checkArchive(await Promise.all(data.map(({ id }) => mjflow.flows.get(id, { signal }))))];
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
    reported("unclear submissions", async () => [checkUnclear(await mjflow.operations.unclear({ signal }))]),
  ];
}

async function reported(subject: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    if (!isMjflowError(error) || error.code === "aborted") throw error;
    return [notReported(subject, error)];
  }
}

function notReported(subject: string, error: MjflowError): Finding {
  if (error.code === "forbidden") return { level: "ok", subject, message: "operator only: this key belongs to an app" };
  if (NOT_REPORTED.has(error.code)) return { level: "unknown", subject, message: "not available on this server" };
  return {
    level: "bad",
    subject,
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

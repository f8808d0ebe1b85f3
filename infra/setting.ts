/**
 * What whoever deploys may set, as environment variables of `sst deploy`; unset is the code's own default. What means
 * nothing ends the deployment here: in a function it would be passed over in silence.
 */
import { parseAllowed } from "../packages/webhooks/src/allow-list.ts";

const env = process.env;

/** Addresses that we reach although they are not public. */
const outbound = { MJFLOW_OUTBOUND_ALLOW: allowList("MJFLOW_OUTBOUND_ALLOW") };

export const setting = {
  /** Gets a mail to confirm after the first deployment. Without it alarms are seen in the console only. */
  alarmEmail: env["MJFLOW_ALARM_EMAIL"] || undefined,
  /** What the account may cost in a month, in USD; watched where there is an address to tell. */
  budgetUsd: amount("MJFLOW_BUDGET_USD") ?? 100,
  /** A table that is there already, as after a restore, in place of the stage's own. */
  table: env["MJFLOW_TABLE"] || undefined,
  bus: choice("MJFLOW_BUS", "on", "off") === "on",
  apiUrl: url("MJFLOW_API_URL"),
  console: consoleAt(),
};

/** Handed on as they are: `functions/composition/` reads them, and a check holds the two together. */
export const environment = {
  every: given({ MJFLOW_LOG: choice("MJFLOW_LOG", "debug", "info", "warn", "error", "silent") }),
  api: given({
    MJFLOW_API_URL: url("MJFLOW_API_URL"),
    MJFLOW_ARCHIVE: choice("MJFLOW_ARCHIVE", "on", "off"),
    MJFLOW_BANNED_WORDS: env["MJFLOW_BANNED_WORDS"],
    MJFLOW_CDN_URL: url("MJFLOW_CDN_URL"),
    MJFLOW_DEFAULT_PROVIDER: env["MJFLOW_DEFAULT_PROVIDER"],
    MJFLOW_FACADE_NOTIFY_HOOK: url("MJFLOW_FACADE_NOTIFY_HOOK"),
    ...outbound,
    MJFLOW_PROGRESS: choice("MJFLOW_PROGRESS", "on", "off"),
    MJFLOW_RESUBMIT: choice("MJFLOW_RESUBMIT", "after-grace", "never"),
  }),
  deliver: given({
    MJFLOW_API_URL: url("MJFLOW_API_URL"),
    MJFLOW_FACADE_NOTIFY_HOOK: url("MJFLOW_FACADE_NOTIFY_HOOK"),
    ...outbound,
  }),
  archive: given(outbound),
};

function given(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

function choice(name: string, ...allowed: string[]): string | undefined {
  const value = env[name] || undefined;
  if (value !== undefined && !allowed.includes(value)) throw new Error(`${name} is one of ${allowed.join(", ")}`);
  return value;
}

function allowList(name: string): string | undefined {
  try {
    for (const entry of (env[name] || undefined)?.split(",") ?? []) parseAllowed(entry);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
  return env[name];
}

function url(name: string): string | undefined {
  const value = env[name] || undefined;
  if (value !== undefined && !URL.canParse(value)) throw new Error(`${name} is no URL`);
  return value;
}

/** Where the console is served; unset: nowhere. Of a name that is not CloudFront's own AWS wants a certificate. */
function consoleAt(): { origin: string; host: string; certificate: string | undefined } | undefined {
  const given = url("MJFLOW_CONSOLE_URL");
  if (given === undefined) return undefined;
  const { protocol, origin, host, href } = new URL(given);
  if (protocol !== "https:" || href !== `${origin}/`)
    throw new Error("MJFLOW_CONSOLE_URL is https:// and a name, no more");
  const certificate = env["MJFLOW_CONSOLE_CERTIFICATE"] || undefined;
  if (certificate === undefined && !host.endsWith(".cloudfront.net")) {
    throw new Error("MJFLOW_CONSOLE_URL: a name of your own needs MJFLOW_CONSOLE_CERTIFICATE");
  }
  if (certificate !== undefined && !/^arn:aws[\w-]*:acm:us-east-1:/.test(certificate)) {
    throw new Error("MJFLOW_CONSOLE_CERTIFICATE is the ARN of a certificate in us-east-1");
  }
  return { origin, host, certificate };
}

function amount(name: string): number | undefined {
  const value = env[name] || undefined;
  if (value !== undefined && !(Number(value) > 0)) throw new Error(`${name} is no amount`);
  return value === undefined ? undefined : Number(value);
}

/**
 * Settings that the operator can give to `sst deploy` as environment variables; an unset one has the default of the
 * code. An invalid value stops the deployment here, because a function would silently ignore it.
 */
import { parseCorsOrigins } from "../packages/core/src/cors.ts";
import { checked, checkedSetting, oneOf, type SettingName, wholeNumber } from "../packages/core/src/setting.ts";
import { parseAllowed } from "../packages/webhooks/src/allow-list.ts";

const env = process.env;

/** Hosts that mjflow may connect to although they are not public. */
const outbound = { MJFLOW_OUTBOUND_ALLOW: allowList("MJFLOW_OUTBOUND_ALLOW") };

export interface Domain {
  host: string;
  /** A former host name that still leads to the function. */
  previous: string | undefined;
  /** ARN of the certificate of all these names. Unset: SST requests one and proves it in Route 53. */
  certificate: string | undefined;
}

export const setting = {
  /**
   * Mail address for alarms; AWS asks it for confirmation after the first deployment. Unset: alarms are only on AWS's
   * console.
   */
  alarmEmail: env["MJFLOW_ALARM_EMAIL"] || undefined,
  /** Whether the stage has alarms and a dashboard. They cost about $5 a month. */
  alarms: choice("MJFLOW_ALARMS", "on", "off") !== "off",
  /** Monthly budget of the AWS account, USD. It has an effect only if `alarmEmail` is set. */
  budgetUsd: amount("MJFLOW_BUDGET_USD") ?? 100,
  /** Name of an existing table, for example after a restore, that replaces the stage's own table. */
  table: env["MJFLOW_TABLE"] || undefined,
  bus: choice("MJFLOW_BUS", "on", "off") === "on",
  /** What Lambda does after about 16 invocations of a function by its own messages. */
  recursiveLoop: choice("MJFLOW_RECURSIVE_LOOP", "allow", "terminate") === "allow" ? "Allow" : "Terminate",
  /** Whether each submission takes a slot of its vendor account, so that a vendor that hangs holds few workers. */
  callSlots: choice("MJFLOW_CALL_SLOTS", "on", "off") !== "off",
  /** Whether production can be the first stage of an account. */
  skipsTrialStage: choice("MJFLOW_TRIAL_STAGE", "skip") === "skip",
  apiUrl: read("MJFLOW_API_URL"),
  /** Host names in front of the function URLs. */
  domains: {
    api: domain("MJFLOW_API_DOMAIN"),
    callback: domain("MJFLOW_CALLBACK_DOMAIN", "MJFLOW_PREVIOUS_CALLBACK_DOMAIN"),
    stream: domain("MJFLOW_STREAM_DOMAIN"),
  },
  /** Requests to the API that one IP address may send in five minutes; unset: no limit. */
  apiRateLimit: rateLimit("MJFLOW_API_RATE_LIMIT"),
  console: consoleAt(),
};

assertDistinctHosts();

/** CloudFront serves a host name with one distribution. It would refuse a second one after much of the stage was made. */
function assertDistinctHosts(): void {
  const { api, callback, stream } = setting.domains;
  const hosts: [setting: string, host: string | undefined][] = [
    ["MJFLOW_API_DOMAIN", api?.host],
    ["MJFLOW_CALLBACK_DOMAIN", callback?.host],
    ["MJFLOW_PREVIOUS_CALLBACK_DOMAIN", callback?.previous],
    ["MJFLOW_STREAM_DOMAIN", stream?.host],
    ["MJFLOW_CONSOLE_URL", setting.console?.host],
  ];
  const given = hosts.filter(([, host]) => host !== undefined);
  for (const [i, [name, host]] of given.entries()) {
    const other = given.slice(0, i).find((earlier) => earlier[1] === host)?.[0];
    if (other !== undefined) throw new Error(`${name} and ${other} need different host names`);
  }
}

/** Where apps reach the API; unset: at its function URL. */
export const apiAddress = setting.apiUrl ?? (setting.domains.api && `https://${setting.domains.api.host}`);

/** Environment variables of the functions. `functions/composition/` reads them, and a check compares the two. */
export const environment = {
  every: given({
    // `size.ts` checks the number.
    MJFLOW_DUE_SHARDS: env["MJFLOW_DUE_SHARDS"],
    MJFLOW_FAN_OUT: read("MJFLOW_FAN_OUT"),
    MJFLOW_LOG: read("MJFLOW_LOG"),
  }),
  api: given({
    ...translator(),
    MJFLOW_API_URL: apiAddress,
    MJFLOW_ARCHIVE: read("MJFLOW_ARCHIVE"),
    MJFLOW_BANNED_WORDS: env["MJFLOW_BANNED_WORDS"],
    MJFLOW_CDN_URL: read("MJFLOW_CDN_URL"),
    MJFLOW_CONSOLE_URL: setting.console?.origin,
    MJFLOW_CORS_ORIGINS: corsOrigins(),
    MJFLOW_DEFAULT_PROVIDER: env["MJFLOW_DEFAULT_PROVIDER"],
    MJFLOW_DELIVERY_LOG: read("MJFLOW_DELIVERY_LOG"),
    MJFLOW_FACADE_NOTIFY_HOOK: read("MJFLOW_FACADE_NOTIFY_HOOK"),
    MJFLOW_MJ_PUBLIC_IMAGES: read("MJFLOW_MJ_PUBLIC_IMAGES"),
    ...outbound,
    MJFLOW_PROGRESS: read("MJFLOW_PROGRESS"),
    MJFLOW_RESUBMIT: read("MJFLOW_RESUBMIT"),
    MJFLOW_STREAM_URL: read("MJFLOW_STREAM_URL"),
  }),
  deliver: given({
    MJFLOW_API_URL: apiAddress,
    MJFLOW_CONSOLE_URL: setting.console?.origin,
    MJFLOW_FACADE_NOTIFY_HOOK: read("MJFLOW_FACADE_NOTIFY_HOOK"),
    ...outbound,
    MJFLOW_WEBHOOK_FIRST_TIMEOUT_S: read("MJFLOW_WEBHOOK_FIRST_TIMEOUT_S"),
  }),
  archive: given(outbound),
  submit: given({ MJFLOW_CALLBACK_URL: read("MJFLOW_CALLBACK_URL") }),
  stream: given({
    MJFLOW_API_URL: apiAddress,
    MJFLOW_CONSOLE_URL: setting.console?.origin,
    MJFLOW_CORS_ORIGINS: corsOrigins(),
    MJFLOW_STREAMS_PER_APP: read("MJFLOW_STREAMS_PER_APP"),
  }),
};

function given(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

function read(name: SettingName): string | undefined {
  return checkedSetting(env, name);
}

function choice(name: string, ...allowed: string[]): string | undefined {
  return checked(env, name, oneOf(allowed));
}

function allowList(name: string): string | undefined {
  try {
    for (const entry of (env[name] || undefined)?.split(",") ?? []) parseAllowed(entry);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
  return env[name];
}

/** Origins whose web pages may call the API: the configured ones and the console of the stage. */
function corsOrigins(): string {
  const origins = parseCorsOrigins(read("MJFLOW_CORS_ORIGINS") ?? "");
  return [...new Set([...(setting.console ? [setting.console.origin] : []), ...origins])].join();
}

/** The translator of prompts: both settings, or none. Its key is a secret. */
function translator(): Record<string, string | undefined> {
  const settings = {
    MJFLOW_TRANSLATE_URL: read("MJFLOW_TRANSLATE_URL"),
    MJFLOW_TRANSLATE_MODEL: env["MJFLOW_TRANSLATE_MODEL"] || undefined,
  };
  const missing = Object.values(settings).filter((value) => value === undefined);
  if (missing.length === 1) throw new Error("MJFLOW_TRANSLATE_URL and MJFLOW_TRANSLATE_MODEL must be set together");
  return settings;
}

/**
 * Where the console is served; undefined: nowhere. AWS needs a certificate for a host name that is not CloudFront's
 * own.
 */
function consoleAt(): { origin: string; host: string; certificate: string | undefined } | undefined {
  const given = read("MJFLOW_CONSOLE_URL");
  if (given === undefined) return undefined;
  const { protocol, origin, host, href } = new URL(given);
  if (protocol !== "https:" || href !== `${origin}/`)
    throw new Error("MJFLOW_CONSOLE_URL must be https:// and a host name, without a path");
  const certificate = certificateArn("MJFLOW_CONSOLE_CERTIFICATE");
  if (certificate === undefined && !host.endsWith(".cloudfront.net")) {
    throw new Error("MJFLOW_CONSOLE_URL: set MJFLOW_CONSOLE_CERTIFICATE for a host name that is not CloudFront's");
  }
  return { origin, host, certificate };
}

/** @param previous name of the setting with a former host name */
function domain(name: string, previous?: string): Domain | undefined {
  const host = hostName(name);
  const former = previous === undefined ? undefined : hostName(previous);
  if (former !== undefined && host === undefined) throw new Error(`${previous} needs another host name in ${name}`);
  if (host === undefined) return undefined;
  return { host, previous: former, certificate: certificateArn("MJFLOW_DOMAIN_CERTIFICATE") };
}

function hostName(name: string): string | undefined {
  const value = env[name] || undefined;
  const isValid = value === undefined || /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(value);
  if (!isValid) throw new Error(`${name} must be a host name in lower case, for example api.example.com`);
  return value;
}

function certificateArn(name: string): string | undefined {
  const value = env[name] || undefined;
  // CloudFront reads certificates only there.
  if (value !== undefined && !/^arn:aws[\w-]*:acm:us-east-1:/.test(value))
    throw new Error(`${name} must be the ARN of a certificate in us-east-1`);
  return value;
}

function rateLimit(name: string): number | undefined {
  const value = checked(env, name, wholeNumber(10, 2_000_000_000));
  if (value !== undefined && !env["MJFLOW_API_DOMAIN"]) throw new Error(`${name} needs MJFLOW_API_DOMAIN`);
  return value === undefined ? undefined : Number(value);
}

function amount(name: string): number | undefined {
  const value = env[name] || undefined;
  if (value !== undefined && !(Number(value) > 0)) throw new Error(`${name} must be a positive number`);
  return value === undefined ? undefined : Number(value);
}

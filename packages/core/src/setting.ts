/**
 * Settings that functions read, and the format of each. The local server and `sst deploy` check them before a function starts,
 * because a function would silently use its default: `MJFLOW_RESUBMIT=nver` would pay for images again.
 */
import { parseCorsOrigins } from "./cors.ts";
import { MAX_DUE_SHARDS } from "./due.ts";

/** Settings whose value is one of a few words. */
const CHOICES = {
  MJFLOW_ARCHIVE: ["on", "off", "later"],
  MJFLOW_DELIVERY_LOG: ["on", "off"],
  MJFLOW_FAN_OUT: ["one", "each"],
  MJFLOW_LOG: ["debug", "info", "warn", "error", "silent"],
  MJFLOW_PROGRESS: ["on", "off"],
  MJFLOW_RESUBMIT: ["after-grace", "never"],
} as const;

/** The environment of a function. It contains no list, so the type costs a cold start nothing. */
export type Choices = { readonly [Name in keyof typeof CHOICES]?: (typeof CHOICES)[Name][number] };

/** Says what a value must be, as the end of a sentence; undefined if it is. It never quotes a value, which may be a secret. */
export type Format = (text: string) => string | undefined;

export function oneOf(words: readonly string[]): Format {
  return (text) => (words.includes(text) ? undefined : ` must be one of ${words.join(", ")}`);
}

export function wholeNumber(min: number, max: number): Format {
  return (text) => {
    const isValid = /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max;
    return isValid ? undefined : ` must be a whole number from ${min} to ${max}`;
  };
}

const url: Format = (text) => (URL.canParse(text) ? undefined : " must be a URL");

const appIds: Format = (text) =>
  text.split(",").every((id) => /^app_\w+$/.test(id.trim()))
    ? undefined
    : " must be ids of apps, comma-separated, for example app_default";

/** The message names the origin: it is no secret, and a list can have many. */
const corsOrigins: Format = (text) => {
  try {
    parseCorsOrigins(text);
    return undefined;
  } catch (error) {
    return `: ${(error as Error).message}`;
  }
};

export const FORMATS = {
  ...(Object.fromEntries(Object.entries(CHOICES).map(([name, words]) => [name, oneOf(words)])) as Record<
    keyof typeof CHOICES,
    Format
  >),
  MJFLOW_API_URL: url,
  MJFLOW_CALLBACK_URL: url,
  MJFLOW_CDN_URL: url,
  MJFLOW_CONSOLE_URL: url,
  MJFLOW_CORS_ORIGINS: corsOrigins,
  MJFLOW_DUE_SHARDS: wholeNumber(0, MAX_DUE_SHARDS),
  MJFLOW_FACADE_NOTIFY_HOOK: url,
  MJFLOW_MJ_PUBLIC_IMAGES: appIds,
  MJFLOW_STREAM_URL: url,
  MJFLOW_STREAMS_PER_APP: wholeNumber(0, 1_000),
  MJFLOW_TRANSLATE_URL: url,
  MJFLOW_WEBHOOK_FIRST_TIMEOUT_S: wholeNumber(1, 15),
} satisfies Record<string, Format>;

export type SettingName = keyof typeof FORMATS;
type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads a setting; undefined if it is unset or empty.
 *
 * @throws Error that names the setting and its format
 */
export function checked(env: Env, name: string, format: Format): string | undefined {
  const value = env[name] || undefined;
  const fault = value === undefined ? undefined : format(value);
  if (fault !== undefined) throw new Error(`${name}${fault}`);
  return value;
}

export function checkedSetting(env: Env, name: SettingName): string | undefined {
  return checked(env, name, FORMATS[name]);
}

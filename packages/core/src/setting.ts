/**
 * Settings whose value is one of a few words: the functions read them. The local
 * server and `sst deploy` reject other values, because a function would silently use its default: `MJFLOW_RESUBMIT=nver` would
 * pay for images again.
 */
export const CHOICES = {
  MJFLOW_ARCHIVE: ["on", "off", "later"],
  MJFLOW_DELIVERY_LOG: ["on", "off"],
  MJFLOW_FAN_OUT: ["one", "each"],
  MJFLOW_LOG: ["debug", "info", "warn", "error", "silent"],
  MJFLOW_PROGRESS: ["on", "off"],
  MJFLOW_RESUBMIT: ["after-grace", "never"],
} as const;

export type ChoiceName = keyof typeof CHOICES;

/** The environment of a function. It contains no list, so the type costs a cold start nothing. */
export type Choices = { readonly [Name in ChoiceName]?: (typeof CHOICES)[Name][number] };

/** @throws Error that names the setting and its values, never the wrong value */
export function checkedChoice<Name extends ChoiceName>(
  env: Readonly<Record<string, string | undefined>>,
  name: Name,
): Choices[Name] {
  const value = env[name] || undefined;
  const allowed: readonly string[] = CHOICES[name];
  if (value !== undefined && !allowed.includes(value)) throw new Error(`${name} must be one of ${allowed.join(", ")}`);
  return value as Choices[Name];
}

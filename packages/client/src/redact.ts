/** Keeps the API key out of everything that is thrown: a server may echo it, and so may a platform's error message. */

export type Redact = <T>(value: T) => T;

export function redactor(secret: string | undefined): Redact {
  if (!secret) return (value) => value;
  const clean = (value: unknown): unknown => {
    if (typeof value === "string") return value.replaceAll(secret, "[api key]");
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [clean(name), clean(item)]));
  };
  return <T>(value: T) => clean(value) as T;
}

/**
 * What a platform's error says, as plain text: its own object may hold on to the request, headers and all.
 * Node hides the reason (ECONNREFUSED) in the cause.
 */
export function redactError(error: unknown, redact: Redact, depth = 3): Error | undefined {
  if (!(error instanceof Error) || depth === 0) return undefined;
  const { code } = error as { code?: unknown };
  const text = [error.name, typeof code === "string" ? code : "", error.message].filter(Boolean).join(": ");
  const cause = redactError(error.cause, redact, depth - 1);
  const copy = new Error(redact(text), cause && { cause });
  copy.stack = undefined;
  return copy;
}

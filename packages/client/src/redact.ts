/**
 * Removes the API key from everything that is thrown. A server may repeat the key, and so may a platform's error
 * message.
 */

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
 * Copies a platform's error as plain text, because its own object may contain the request with its headers. Node puts
 * the reason (ECONNREFUSED) into the cause.
 */
export function redactError(error: unknown, redact: Redact, depth = 3): Error | undefined {
  if (!(error instanceof Error) || depth === 0) return undefined;
  const { code } = error as { code?: unknown };
  const text = [error.name, typeof code === "string" ? code : "", error.message].filter(Boolean).join(": ");
  const cause = redactError(error.cause, redact, depth - 1);
  return Object.assign(new Error(redact(text), cause && { cause }), { stack: undefined });
}

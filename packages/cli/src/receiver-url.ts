/** The URL of a receiver that the command line posts webhooks to. */
import { UsageError } from "./usage-error.ts";

/** @throws UsageError; the message does not repeat the URL, because it may contain a token */
export function receiverUrl(text: string, option: string): URL {
  // `localhost:3000/hook` would be parsed as a URL with the scheme `localhost`.
  const url = URL.parse(/^[\w.-]+:\d+(\/|$)/.test(text) ? `http://${text}` : text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${option} must be a URL like http://localhost:3000/webhooks.`);
  }
  if (url.username || url.password) throw new UsageError(`${option} must not contain credentials.`);
  url.hash = "";
  return url;
}

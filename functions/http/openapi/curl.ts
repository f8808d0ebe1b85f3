/** Formats an operation as a curl command for a shell. */
import type { Operation } from "./document-model.ts";

const KEYS: Record<Operation["key"], string | undefined> = {
  app: "Authorization: Bearer $MJFLOW_API_KEY",
  operator: "Authorization: Bearer $MJFLOW_OPERATOR_KEY",
  mj: "mj-api-secret: $MJFLOW_API_KEY",
  signIn: "Authorization: Bearer $MJFLOW_SIGN_IN_LINK",
  share: "Authorization: Bearer $MJFLOW_SHARE_LINK",
  none: undefined,
};

export function curlOf({ method, path, key, body, responses }: Operation): string {
  const isStream = responses.some(({ contentType }) => contentType === "text/event-stream");
  const address = path.replace(/\{(\w+)\}/g, (_, name: string) => `$${name.replace(/[A-Z]/g, "_$&").toUpperCase()}`);
  const lines = [
    `curl ${isStream ? "-N " : ""}${method === "GET" ? "" : `-X ${method} `}"$MJFLOW_URL${address}"`,
    KEYS[key] && `-H "${KEYS[key]}"`,
    body && `-H 'Content-Type: application/json'`,
    body && `-d '${JSON.stringify(body.example ?? {}).replaceAll("'", `'\\''`)}'`,
  ];
  return lines.filter((line) => line !== undefined).join(" \\\n  ");
}

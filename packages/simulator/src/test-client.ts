/** HTTP client for tests. It reads status, text and JSON of a response. */
import type { Fields } from "./json.ts";
import type { DialectId, Simulator } from "./server.ts";

export interface ClientResponse {
  status: number;
  contentType: string | null;
  text: string;
  json: Fields;
}

/** Usual path prefix of each vendor of the midjourney-proxy family. */
export const PREFIX: Readonly<Record<DialectId, string>> = {
  cometapi: "/mj",
  gitaigc: "/mj",
  xfusionai: "/mj-relax/mj",
  agicto: "/v1/mj",
  "midjourney-proxy": "/mj",
  trueai: "/mj",
  newapi: "/mj",
  simulator: "/mj",
};

export async function call(
  simulator: Simulator,
  provider: DialectId,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = { authorization: "Bearer any-key", "mj-api-secret": "any-key" },
): Promise<ClientResponse> {
  const response = await fetch(`${simulator.baseUrl(provider)}${PREFIX[provider]}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  let json: Fields = {};
  try {
    json = JSON.parse(text) as Fields;
  } catch {
    // Some responses are empty or plain text; their tests use `text`.
  }
  return { status: response.status, contentType: response.headers.get("content-type"), text, json };
}

export const submit = (simulator: Simulator, provider: DialectId, verb: string, body: unknown) =>
  call(simulator, provider, "POST", `/submit/${verb}`, body);

export const look = (simulator: Simulator, provider: DialectId, id: string) =>
  call(simulator, provider, "GET", `/task/${id}/fetch`);

/** Returns the id in a submit response with all digits. */
export const idOf = (response: ClientResponse): string => /"result":"?([^",}]+)/u.exec(response.text)?.[1] ?? "";

/** Submits an imagine and returns its id. Its buttons exist when the clock has advanced to its end. */
export async function imagine(simulator: Simulator, provider: DialectId, more: Fields = {}): Promise<string> {
  return idOf(await submit(simulator, provider, "imagine", { prompt: "a paper boat", ...more }));
}

export async function press(
  simulator: Simulator,
  provider: DialectId,
  taskId: string,
  label: string,
  more: Fields = {},
) {
  const buttons = ((await look(simulator, provider, taskId)).json.buttons ?? []) as Fields[];
  const button = buttons.find((each) => each.label === label || each.emoji === label);
  return submit(simulator, provider, "action", { taskId, customId: button?.customId ?? "MJ::none", ...more });
}

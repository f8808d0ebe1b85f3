/** The tabs of an operation: the same request as curl, TypeScript and Python. The check of the samples runs each of them. */
import { curlOf } from "../../../functions/http/openapi/curl.ts";
import type { Operation } from "../../../functions/http/openapi/document-model.ts";
import { fence } from "./markdown.ts";

/** Calls of the client by operation. `BODY` stands for the example of the body. Others use `mjflow.request`. */
const CLIENT: Readonly<Record<string, string>> = {
  createFlow:
    "const flow = await mjflow.flows.create(BODY).wait();\nconsole.log(flow.status, flow.tasks.map((task) => task.imageUrl));",
  listFlows: 'for await (const flow of mjflow.flows.list({ status: "running" })) console.log(flow.id, flow.prompt);',
  getFlow: "const flow = await mjflow.flows.get(id);\nconsole.log(flow.status);",
  cancelFlow: "await mjflow.flows.cancel(id);",
  resumeFlow: "await mjflow.flows.resume(id);",
  streamFlow: "for await (const event of mjflow.flows.events(id)) console.log(event.type);",
  getTask: "const task = await mjflow.tasks.get(id);\nconsole.log(task.status, task.imageUrl);",
  getTaskRaw: "console.log(await mjflow.tasks.raw(id));",
  pressButton: "const task = await mjflow.tasks.press(id, BODY);\nconsole.log(task.id);",
  answerModal: "await mjflow.tasks.modal(id, BODY);",
  retryTask: "const task = await mjflow.tasks.retry(id);\nconsole.log(task.retryOf);",
  createEndpoint: "const endpoint = await mjflow.endpoints.create(BODY);\nconsole.log(endpoint.secret); // shown once",
  listEndpoints: "for await (const endpoint of mjflow.endpoints.list()) console.log(endpoint.id, endpoint.url);",
  getEndpoint: "const endpoint = await mjflow.endpoints.get(id);\nconsole.log(endpoint.enabled);",
  updateEndpoint: "await mjflow.endpoints.update(id, BODY);",
  deleteEndpoint: "await mjflow.endpoints.delete(id);",
  rotateEndpointSecret:
    "const { secret } = await mjflow.endpoints.rotate(id, BODY);\nconsole.log(secret); // shown once",
  testEndpoint: "console.log(await mjflow.endpoints.test(id));",
  replayEndpoint: "const replay = await mjflow.endpoints.replay(id, BODY);\nconsole.log(replay.id);",
  listDeliveries:
    'for await (const delivery of mjflow.deliveries.list({ status: "failed" })) console.log(delivery.id);',
  getDelivery: "const delivery = await mjflow.deliveries.get(id);\nconsole.log(delivery.status);",
  replayDelivery: "await mjflow.deliveries.replay(id);",
  listReplays: "for await (const replay of mjflow.replays.list()) console.log(replay.id, replay.status);",
  getReplay: "const replay = await mjflow.replays.get(id);\nconsole.log(replay.status);",
  cancelReplay: "await mjflow.replays.cancel(id);",
  createApp: "const app = await mjflow.apps.create(BODY);\nconsole.log(app.id);",
  listApps: "for await (const app of mjflow.apps.list()) console.log(app.id, app.name);",
  getApp: "const app = await mjflow.apps.get(id);\nconsole.log(app.name);",
  updateApp: "await mjflow.apps.update(id, BODY);",
  deleteApp: "await mjflow.apps.delete(id);",
  createAppKey: "const key = await mjflow.apps.keys.create(id, BODY);\nconsole.log(key.key); // shown once",
  listAppKeys: "for await (const key of mjflow.apps.keys.list(id)) console.log(key.id);",
  rotateAppKey: "const key = await mjflow.apps.keys.rotate(id, keyId, BODY);\nconsole.log(key.key); // shown once",
  revokeAppKey: "await mjflow.apps.keys.revoke(id, keyId);",
  createSession: "const session = await mjflow.sessions.create(BODY);\nconsole.log(session.id, session.expiresAt);",
  listSessions: "for await (const session of mjflow.sessions.list()) console.log(session.id, session.label);",
  endSession: "await mjflow.sessions.end(id);",
  getSession: "console.log(await mjflow.sessions.current());",
  createSignInLink: "const link = await mjflow.sessions.link();\nconsole.log(link.url); // works once",
  signIn: "const session = await mjflow.sessions.signIn();\nconsole.log(session.id);",
  createShare: "const share = await mjflow.shares.create(id, BODY);\nconsole.log(share.url); // shown once",
  listShares: "for await (const share of mjflow.shares.list(id)) console.log(share.id, share.expiresAt);",
  revokeShare: "await mjflow.shares.revoke(id, shareId);",
  getShared: "const flow = await mjflow.shares.read();\nconsole.log(flow.status);",
  listProviders: "for await (const provider of mjflow.providers.list()) console.log(provider.id, provider.abilities);",
  listDeadLetters: "for await (const message of mjflow.deadLetters.list()) console.log(message.id, message.why);",
  redriveDeadLetter: "await mjflow.deadLetters.redrive(id);",
  dropDeadLetter: "await mjflow.deadLetters.discard(id);",
  listQueues: "for await (const queue of mjflow.operations.queues()) console.log(queue);",
  getOverdue: "console.log(await mjflow.operations.overdue());",
  listUnclear: "console.log(await mjflow.operations.unclear());",
  resealVault: "console.log(await mjflow.operations.reseal());", // plain-words: ok
};

/** Names of the variables with the key of an operation, as in the curl command. */
const KEY_VARIABLES: Readonly<Record<Operation["key"], string>> = {
  app: "MJFLOW_API_KEY",
  mj: "MJFLOW_API_KEY",
  none: "",
  operator: "MJFLOW_OPERATOR_KEY",
  signIn: "MJFLOW_SIGN_IN_LINK",
  share: "MJFLOW_SHARE_LINK",
};

/** Name of the shell variable of a path parameter, as in the curl command. */
export function variableOf(parameter: string): string {
  return parameter.replace(/[A-Z]/g, "_$&").toUpperCase();
}

const pathParameters = ({ path }: Operation) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);

/** Length of a line with a value. */
const LINE_LENGTH = 72;

/** The members of a value in one line if they fit, otherwise one member a line. @param keyOf how a name is written */
function literal(value: unknown, indent: string, keyOf: (name: string) => string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((each) => literal(each, inner, keyOf))
    : Object.entries(value).map(([name, each]) => `${keyOf(name)}: ${literal(each, inner, keyOf)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{ ", " }"];
  const line = `${open}${parts.join(", ")}${close}`;
  if (line.length <= LINE_LENGTH) return line;
  return `${open.trim()}\n${parts.map((part) => `${inner}${part}`).join(",\n")}\n${indent}${close.trim()}`;
}

const asJson = (value: unknown, indent = "") => literal(value, indent, (name) => JSON.stringify(name));

function typescriptOf(operation: Operation): string {
  const { id, method, path, body, key } = operation;
  if (isRedirect(operation)) return fetchOf(operation);
  const own = key === "app" || key === "mj" ? undefined : KEY_VARIABLES[key];
  const example = body && literal(body.example ?? {}, "", (name) => name);
  const address = path.replace(/\{(\w+)\}/g, (_, name: string) => `\${${name}}`);
  const quoted = address === path ? JSON.stringify(path) : `\`${address}\``;
  const request = [
    method === "GET" ? "" : `method: "${method}", `,
    `path: ${quoted}`,
    example === undefined ? "" : `, body: ${example}`,
  ].join("");
  const call = CLIENT[id]?.replace("BODY", example ?? "{}") ?? `console.log(await mjflow.request({ ${request} }));`;
  const ids = pathParameters(operation).map((name) => `const ${name} = process.env.${variableOf(name)}!;\n`);
  return [
    'import { Mjflow } from "@mjflow/client";\n',
    `const mjflow = new Mjflow(${own ? `{ apiKey: process.env.${own}! }` : ""});${own ? "" : " // MJFLOW_URL and MJFLOW_API_KEY"}`,
    `${ids.join("")}${call}`,
  ].join("\n");
}

function shellOf(operation: Operation): string {
  const quoted = (text: string) => text.replaceAll("'", `'\\''`);
  const { example = {} } = operation.body ?? {};
  return curlOf(operation).replace(quoted(JSON.stringify(example)), () => quoted(asJson(example)));
}

/** True if the response leads to another URL, for example to an image. The client of the API follows no redirects. */
function isRedirect({ responses }: Operation): boolean {
  return responses.some(({ status }) => status === "302");
}

/** True if a successful response has JSON. */
function hasJson({ responses }: Operation): boolean {
  return responses.some(({ status, contentType }) => status.startsWith("2") && contentType === "application/json");
}

function fetchOf({ path, key }: Operation): string {
  const address = path.replace(/\{(\w+)\}/g, (_, name: string) => `\${process.env.${variableOf(name)}}`);
  const headers = key === "mj" ? ', {\n  headers: { "mj-api-secret": process.env.MJFLOW_API_KEY! },\n}' : "";
  return `const response = await fetch(\`\${process.env.MJFLOW_URL}${address}\`${headers});\nconsole.log(response.url); // where the image is`;
}

function pythonLiteral(value: unknown): string {
  return asJson(value, "    ")
    .replace(/\btrue\b/g, "True")
    .replace(/\bfalse\b/g, "False")
    .replace(/\bnull\b/g, "None");
}

function pythonOf(operation: Operation): string {
  const { method, path, body, key, responses } = operation;
  const address = path.replace(/\{(\w+)\}/g, (_, name: string) => `{os.environ['${variableOf(name)}']}`);
  const isStream = responses.some(({ contentType }) => contentType === "text/event-stream");
  const variable = KEY_VARIABLES[key];
  const header =
    key === "mj"
      ? `{"mj-api-secret": os.environ["${variable}"]}`
      : `{"Authorization": f"Bearer {os.environ['${variable}']}"}`;
  const lines = [
    `    f"{os.environ['MJFLOW_URL']}${address}",`,
    key === "none" ? "" : `    headers=${header},`,
    body ? `    json=${pythonLiteral(body.example ?? {})},` : "",
    isStream ? "    stream=True," : "",
    "    timeout=30,",
  ].filter((line) => line !== "");
  const print = isStream
    ? "for line in response.iter_lines(decode_unicode=True):\n    print(line)"
    : isRedirect(operation)
      ? "print(response.url)"
      : hasJson(operation)
        ? "print(response.json())"
        : "print(response.status_code)";
  return [
    "import os",
    "import requests",
    "",
    `response = requests.${method.toLowerCase()}(`,
    ...lines,
    ")",
    "response.raise_for_status()",
    print,
  ].join("\n");
}

/** The samples of an operation, by language. An API key of an app has no client call for routes without a key. */
export function samplesOf(operation: Operation): { language: string; title: string; code: string }[] {
  return [
    { language: "sh", title: "curl", code: shellOf(operation) },
    ...(operation.key === "none" ? [] : [{ language: "ts", title: "TypeScript", code: typescriptOf(operation) }]),
    { language: "python", title: "Python", code: pythonOf(operation) },
  ];
}

export function codeGroup(operation: Operation): string {
  const tabs = samplesOf(operation).map(({ language, title, code }) => fence(`${language} [${title}]`, code));
  return `::: code-group\n\n${tabs.join("\n\n")}\n\n:::`;
}

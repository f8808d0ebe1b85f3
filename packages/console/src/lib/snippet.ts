/** The request as text to copy. It never contains the API key: `$KEY` and the environment hold the key. */
import type { FlowInput, PlanInput } from "@mjflow/client";

export function curlOf(input: FlowInput, baseUrl: string): string {
  return `curl -s ${quoted(`${baseUrl}/v1/flows`)} -H "Authorization: Bearer $KEY" \\
  -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(input, null, 2))}`;
}

export function sdkOf(input: FlowInput): string {
  return `import { Mjflow } from "@mjflow/client";

const mjflow = new Mjflow(); // MJFLOW_URL and MJFLOW_API_KEY
const flow = await mjflow.flows.create(${JSON.stringify(input, null, 2)}).wait();`;
}

/** Returns undefined if the command line cannot express the request. */
export function cliOf({
  action,
  provider,
  prompt,
  mode,
  base64Array,
  state,
  notifyHook,
  archive,
  then = [],
}: FlowInput): string | undefined {
  const paths = pathsOf(then);
  if ((action && action !== "imagine") || !prompt || base64Array || !paths) return undefined;
  const options = [
    ...(provider ? [`--provider ${quoted(provider)}`] : []),
    ...(mode ? [`--mode ${mode}`] : []),
    ...(state ? [`--state ${quoted(state)}`] : []),
    ...(notifyHook ? [`--notify-hook ${quoted(notifyHook)}`] : []),
    ...(archive ? ["--archive"] : []),
    ...paths.map((path) => `--then ${quoted(path)}`),
  ];
  return ["npm run mjflow -- imagine", quoted(prompt), ...options].join(" \\\n  ").replace(" \\\n  ", " ");
}

/** Returns one path for each leaf, for example `U1,U2>zoom:2`. */
function pathsOf(then: readonly PlanInput[]): string[] | undefined {
  const paths: string[] = [];
  for (const { press, prompt, modal, then: below = [] } of then) {
    if (modal) return undefined;
    const names = [press].flat();
    // The characters , > = and " have a special meaning in a path.
    if (names.some((name) => /[,>="]/.test(name))) return undefined;
    // With several presses, = would apply only to the last one.
    const promptText = prompt === undefined ? "" : `=${JSON.stringify(prompt)}`;
    if (promptText && names.length > 1) return undefined;
    const step = `${names.join(",")}${promptText}`;
    const rest = pathsOf(below);
    if (!rest) return undefined;
    paths.push(...(rest.length === 0 ? [step] : rest.map((path) => `${step}>${path}`)));
  }
  return paths;
}

/** Quotes text for a POSIX shell: no character inside has a special meaning. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

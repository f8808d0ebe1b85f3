/**
 * How each code sample of a document is checked, or why it is not run. A block without a rule is an error, so a new sample
 * is run unless its author says why not.
 */
import type { Sample } from "./extract.ts";

export type Verifier = "client" | "node" | "python" | "go" | "php" | "java";

export type Plan =
  | { kind: "run"; how: "sh" | "ts" | "python" | "flow" | "json" }
  | { kind: "verify"; language: Verifier }
  | { kind: "skip"; why: string };

const skip = (why: string): Plan => ({ kind: "skip", why });

/** Pages whose samples need more than a local server. */
const PAGES: Readonly<Record<string, string>> = {
  "docs/deploy.md": "needs an AWS account",
  "docs/operations.md": "needs a deployment on AWS",
  "docs/self-hosting.md":
    "changes a server; `npm run hosting:check` and `hosting:image` run its files, test/e2e/move.test.ts the move",
  "docs/releasing.md": "makes a release; `npm run packages:check` runs its commands",
  "docs/performance.md": "a benchmark of several minutes",
  "docs/reliability.md": "a simulation of several hours",
  "packages/docs/README.md": "builds the site; test/docs/site.test.ts does it",
  "CONTRIBUTING.md": "runs all tests",
  "packages/core/README.md": "an excerpt of internal code, which the tests of the package run",
  "packages/media/README.md": "an excerpt of internal code, which the tests of the package run",
  "packages/queue/README.md": "an excerpt of internal code, which the tests of the package run",
  "packages/store/README.md": "an excerpt of internal code, which the tests of the package run",
  "packages/webhooks/README.md": "an excerpt of internal code, which the tests of the package run",
};

/** Samples with a reason of their own: the page, and text of the sample. */
const SAMPLES: readonly (readonly [page: string, text: string, why: string])[] = [
  ["docs/webhooks.md", "isSignedV1a", "test/docs/webhooks.test.ts runs it"],
  ["docs/translation.md", "TranslateKey", "needs a deployment on AWS, or a translator of the reader"],
  ["docs/local-server.md", "npm run demo", "starts servers of its own; test/cli runs the demo"],
  ["docs/local-server.md", "mjflow backup", "writes to a folder outside of the check; test/e2e/backup.test.ts runs it"],
  ["packages/simulator/README.md", "npx @mjflow/simulator", "starts a server of its own, on a fixed port"],
  ["packages/cli/README.md", "npx mjflow dev", "starts a server of its own"],
  [
    "packages/simulator/README.md",
    "startSimulator(",
    "leaves out the app under test; release/consumer/simulator.ts is such a program",
  ],
  ["packages/local/src/engine/README.md", "startLocalBackend(", "an excerpt of internal code"],
  ["examples/README.md", "npm install && npm start", "starts a server of its own"],
  ["examples/07-event-bus/README.md", "terminal 1", "needs three terminals"],
];

/** Languages of blocks that are no code: output, drawings and pseudo code. */
const NO_CODE = new Set(["", "text"]);

export function planOf({ page, language, code, note }: Sample): Plan {
  if (note?.startsWith("not run: ")) return skip(note.slice("not run: ".length));
  const verifier = /^sample: verify (\w+)$/.exec(note ?? "")?.[1];
  if (verifier !== undefined) return { kind: "verify", language: verifier as Verifier };
  if (NO_CODE.has(language)) return skip("output, a drawing or pseudo code");
  const why = PAGES[page] ?? SAMPLES.find(([at, text]) => at === page && code.includes(text))?.[2];
  if (why !== undefined) return skip(why);
  if (language === "json") return { kind: "run", how: isFlow(code) ? "flow" : "json" };
  // Readers of the README copy the key from the terminal.
  const own = code.replace(/^KEY=mjk_….*$/m, "");
  // In the output below a command the sign stands for what differs; in a command for a value of the reader.
  if (/…/.test(own.replace(/(?:#|\/\/) .*$/gm, ""))) return skip("has a place for a value of the reader");
  if (language === "ts" && code.includes("verifyWebhook(")) return { kind: "verify", language: "client" };
  if (language === "sh" || language === "ts" || language === "python") return { kind: "run", how: language };
  throw new Error(`${page}: say how a block of "${language}" is checked (test/docs/samples/plan.ts)`);
}

function isFlow(code: string): boolean {
  return /"(?:prompt|action)":/.test(code) && !code.includes("…") && !code.includes('"type":');
}

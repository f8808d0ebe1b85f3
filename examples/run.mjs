/**
 * `npm run example 02`: runs an example with the Node of this machine, or says what is missing. Plain JavaScript, so that an
 * older Node can run it.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const EXAMPLES = join(ROOT, "examples");
/** Node removes types itself since this version. */
const TYPESCRIPT = [22, 18];
/** Lowest version of the client. */
const CLIENT = [20, 3];
/** The examples that need no server: they are one. */
const SERVERS = ["07-event-bus"];

class Missing extends Error {}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function main([name, ...rest]) {
  const examples = readdirSync(EXAMPLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(EXAMPLES, entry.name, "README.md")))
    .map((entry) => entry.name)
    .sort();
  if (name === undefined) {
    console.log(["npm run example <number or name>:", ...examples.map((example) => `  ${example}`)].join("\n"));
    return 0;
  }
  const example = examples.find((each) => each === name || each.startsWith(`${name}-`) || each.startsWith(`0${name}-`));
  if (example === undefined)
    throw new Missing(`There is no example "${name}". The examples are ${examples.join(", ")}.`);
  const commands = example === "python" ? pythonCommands() : [await nodeCommand(example)];
  const env = SERVERS.includes(example) ? process.env : { ...process.env, ...(await serverOf(process.env)) };
  for (const [program, ...args] of commands) {
    const code = await run(program, [...args, ...rest], env);
    if (code !== 0) return code;
  }
  return 0;
}

/** @returns program and arguments */
async function nodeCommand(example) {
  const folder = join(EXAMPLES, example);
  const source = ["main.ts", "main.mjs"].map((file) => join(folder, file)).find((file) => existsSync(file));
  if (source.endsWith(".mjs")) return [process.execPath, source];
  if (!existsSync(join(ROOT, "node_modules/@mjflow/client"))) {
    throw new Missing("The packages are not installed. Run `npm install` in the folder of the clone.");
  }
  if (isAtLeast(TYPESCRIPT)) return [process.execPath, source];
  const needed = `Example ${example} needs Node ${CLIENT.join(".")} or newer; this is ${process.version}.`;
  if (!isAtLeast(CLIENT)) throw new Missing(`${needed} Install Node from nodejs.org.`);
  return [process.execPath, await bundle(example, source)];
}

/** Node before 22.18 runs no TypeScript, so esbuild makes JavaScript of the example and the client. */
async function bundle(example, source) {
  const esbuild = await import("esbuild").catch(() => {
    throw new Missing(
      `Example ${example} is TypeScript. Node ${process.version} needs esbuild for it: run \`npm install\`, or install Node ${TYPESCRIPT.join(".")} or newer.`,
    );
  });
  const outfile = join(ROOT, ".tmp/examples", `${example}.mjs`);
  mkdirSync(join(ROOT, ".tmp/examples"), { recursive: true });
  const options = { bundle: true, platform: "node", format: "esm", target: "node20" };
  await esbuild.build({ ...options, entryPoints: [source], outfile, logLevel: "warning" });
  return outfile;
}

function pythonCommands() {
  const program = ["python3", "python"].find((name) => {
    const { stdout } = spawnSync(name, ["-c", "import sys; print(sys.version_info >= (3, 9))"], { encoding: "utf8" });
    return stdout?.trim() === "True";
  });
  if (program === undefined) throw new Missing("The example needs Python 3.9 or newer. Install it from python.org.");
  const folder = join(EXAMPLES, "python");
  return ["quickstart.py", "receive.py"].map((file) => [program, "-B", join(folder, file)]);
}

/** The address and the key of the server, as the command line finds them. */
async function serverOf(env) {
  const url = (env.MJFLOW_URL || `http://127.0.0.1:${env.MJFLOW_PORT || 4600}`).replace(/\/+$/, "");
  const isLocal = /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|$|\/)/.test(url);
  const isUp = await fetch(`${url}/healthz`).then(
    (response) => response.ok,
    () => false,
  );
  if (!isUp) {
    const advice = isLocal ? "Start the local server in another terminal: `npm start`." : "Check MJFLOW_URL.";
    throw new Missing(`No mjflow responds at ${url}. ${advice}`);
  }
  const keyFile = resolve(ROOT, env.MJFLOW_DATA_DIR || ".mjflow", "api.key");
  const key = env.MJFLOW_API_KEY || (isLocal && existsSync(keyFile) && readFileSync(keyFile, "utf8").trim());
  if (!key)
    throw new Missing(`Set MJFLOW_API_KEY to a key of ${url}. \`npm start\` prints the key of the local server.`);
  return { MJFLOW_URL: url, MJFLOW_API_KEY: key };
}

/** Ctrl-C reaches the example itself, which decides when it ends. */
function run(program, args, env) {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { env, stdio: "inherit" });
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
    child.once("error", fail);
    child.once("close", (code, signal) => done(code ?? (signal === "SIGINT" ? 130 : 1)));
  });
}

function isAtLeast([major, minor]) {
  const [ourMajor = 0, ourMinor = 0] = process.versions.node.split(".").map(Number);
  return ourMajor > major || (ourMajor === major && ourMinor >= minor);
}

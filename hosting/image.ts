/**
 * `npm run hosting:image`: carries out the steps of the Dockerfile without a container tool. Then it runs the result like a
 * container: with a root directory and a volume, as process 1, and with no network but its own loopback.
 *
 * It needs Linux, root, the program `unshare`, and Debian 12 as in the base image, because the programs are those of this
 * machine. The folder /usr is read-only. Node 24 and npm are copied to /usr/local, where the base image has them.
 *
 * It does not check the base image itself, how Docker reads the Dockerfile, and compose.yaml.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { commandOf, isIgnored, parseDockerfile, type Stage } from "./dockerfile.ts";

const ROOT = new URL("../", import.meta.url).pathname;
/** Users of the base image. */
const USERS: Record<string, number> = { root: 0, node: 1000 };
/** Time until the container must be healthy, ms; the start period of its health check. */
const START_MS = 120_000;
/** `stop_grace_period` of compose.yaml, ms. */
const GRACE_MS = 90_000;

interface Image {
  root: string;
  workdir: string;
  user: string;
  env: Record<string, string>;
  volumes: string[];
  health: string[];
  command: string[];
}

const work = mkdtempSync(join(tmpdir(), "mjflow-image-"));
const running = new Set<ChildProcess>();
try {
  const images = new Map<string, Image>();
  const stages = parseDockerfile(readFileSync(join(ROOT, "hosting/Dockerfile"), "utf8"));
  let image: Image | undefined;
  for (const stage of stages) {
    image = buildStage(stage, images);
    if (stage.name !== undefined) images.set(stage.name, image);
  }
  await checkContainer(image!);
} finally {
  for (const child of running) child.kill("SIGKILL");
  rmSync(work, { recursive: true, force: true });
}

// ── build ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function buildStage({ image: base, name, instructions }: Stage, images: ReadonlyMap<string, Image>): Image {
  if (base !== "node:24-bookworm-slim") throw new Error(`This check knows only the base image of Node 24, not ${base}`);
  const image: Image = {
    root: join(work, name ?? "image"),
    workdir: "/",
    user: "root",
    env: {},
    volumes: [],
    health: [],
    command: [],
  };
  createRoot(image.root);
  for (const { name: step, text } of instructions) {
    const startedAt = performance.now();
    if (step === "WORKDIR") {
      image.workdir = text;
      mkdirSync(join(image.root, text), { recursive: true });
    } else if (step === "COPY") copy(image, text, images);
    else if (step === "RUN") runStep(image, text);
    else if (step === "USER") image.user = text;
    else if (step === "ENV")
      Object.assign(image.env, Object.fromEntries(text.split(" ").map((each) => each.split("=", 2))));
    else if (step === "VOLUME") image.volumes.push(text);
    else if (step === "HEALTHCHECK") image.health = commandOf(text);
    else if (step === "CMD") image.command = commandOf(text);
    else if (step !== "EXPOSE") throw new Error(`Dockerfile: this check does not know ${step}`);
    console.log(`✓ ${step} ${text.slice(0, 90)} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  }
  return image;
}

/** What the base image adds to the programs of Debian. Those are mounted for each process. */
function createRoot(root: string): void {
  for (const folder of [
    "usr",
    "etc",
    "proc",
    "dev",
    "tmp",
    "root",
    "home/node",
    ".local/bin",
    ".local/lib/node_modules",
  ]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  // As in Debian, these are links into /usr.
  for (const link of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${link}`, join(root, link));
  execFileSync("chmod", ["1777", join(root, "tmp")]);
  chownSync(join(root, "home/node"), USERS["node"]!, USERS["node"]!);
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nnode:x:1000:\n");
  for (const file of ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"]) {
    if (existsSync(file)) cpSync(file, join(root, file), { dereference: true });
  }
  mkdirSync(join(root, "etc/ssl"));
  cpSync(process.execPath, join(root, ".local/bin/node"), { dereference: true });
  // npm may belong to another Node than the one that runs this check.
  const npm = execFileSync("sh", ["-c", 'readlink -f "$(command -v npm)"'], { encoding: "utf8" }).trim();
  cpSync(dirname(dirname(npm)), join(root, ".local/lib/node_modules/npm"), { recursive: true, dereference: true });
  for (const program of ["npm", "npx"])
    symlinkSync(`../lib/node_modules/npm/bin/${program}-cli.js`, join(root, ".local/bin", program));
}

function copy({ root, workdir }: Image, text: string, images: ReadonlyMap<string, Image>): void {
  const [, from, source = "", target = ""] = /^(?:--from=(\S+) )?(\S+) (\S+)$/.exec(text)!;
  const into = join(root, workdir, target);
  if (from !== undefined) {
    const origin = images.get(from)!.root;
    const names = globSync(source.slice(1), { cwd: origin });
    if (names.length === 0) throw new Error(`COPY: ${from} has no ${source}`);
    for (const name of names) cpSync(join(origin, name), join(into, name.split("/").at(-1)!), { recursive: true });
    return;
  }
  const ignore = readFileSync(join(ROOT, ".dockerignore"), "utf8");
  cpSync(join(ROOT, source), into, {
    recursive: true,
    filter: (path) => path === join(ROOT, source) || !isIgnored(relative(ROOT, path), ignore),
  });
  for (const secret of globSync(["**/.env*", "**/node_modules"], { cwd: into }))
    throw new Error(`COPY: ${secret} is in the image`);
}

function runStep(image: Image, text: string): void {
  const cache = execFileSync("npm", ["config", "get", "cache"], { encoding: "utf8" }).trim();
  const [program, ...args] = inRoot(image, ["sh", "-c", text], { cache });
  const { status, stdout, stderr } = spawnSync(program!, args, { encoding: "utf8", env: buildEnvironment(image) });
  if (status !== 0) throw new Error(`RUN ${text} ended with ${status}:\n${stdout}${stderr}`);
}

/** A build may need the proxy and the certificates of this machine. Nothing else of its environment is passed on. */
function buildEnvironment(image: Image): Record<string, string> {
  const names = /^(HTTPS?_PROXY|NO_PROXY|NODE_EXTRA_CA_CERTS|npm_config_registry)$/i;
  const own = Object.entries(process.env).filter(([name]) => names.test(name)) as [string, string][];
  const cafile = process.env["NODE_EXTRA_CA_CERTS"];
  return {
    ...Object.fromEntries(own),
    ...(cafile && { npm_config_cafile: cafile }),
    ...environment(image),
    npm_config_cache: "/tmp/npm",
  };
}

function environment({ env, user }: Image): Record<string, string> {
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: user === "root" ? "/root" : `/home/${user}`,
    ...env,
  };
}

/** @returns the command that runs a program in the root directory of an image, with mounts that end with the program */
function inRoot(
  { root, workdir, user }: Image,
  command: readonly string[],
  { cache, isolated = false, volume }: { cache?: string; isolated?: boolean; volume?: [string, string] } = {},
): string[] {
  const at = (path: string) => quoted(join(root, path));
  const mounts = [
    `mount --bind /usr ${at("usr")} && mount -o remount,bind,ro ${at("usr")}`,
    `mount --bind ${at(".local")} ${at("usr/local")}`,
    `mount --rbind /dev ${at("dev")}`,
    `mount --bind /etc/ssl ${at("etc/ssl")}`,
    `mount -t proc proc ${at("proc")}`,
    ...(cache === undefined ? [] : [`mkdir -p ${at("tmp/npm")} && mount --bind ${quoted(cache)} ${at("tmp/npm")}`]),
    ...(volume ? [`mount --bind ${quoted(volume[0])} ${at(volume[1])}`] : []),
    ...(isolated ? ["ip link set lo up"] : []),
  ].join(" && ");
  const uid = USERS[user]!;
  const inside = `cd ${quoted(workdir)} && exec "$@"`;
  const script = `${mounts} && exec chroot --userspec=${uid}:${uid} --groups= ${quoted(root)} sh -c ${quoted(inside)} sh "$@"`;
  const spaces = ["--mount", "--pid", "--fork", "--kill-child", ...(isolated ? ["--net"] : [])];
  return ["unshare", ...spaces, "sh", "-c", script, "sh", ...command];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// ── run ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Container {
  /** Like `docker exec`. @throws Error with the output if it fails */
  exec(...command: string[]): string;
  /** Sends a signal to process 1. @returns the exit code, or the signal that ended it */
  end(signal: NodeJS.Signals): Promise<number | string>;
  output(): string;
}

async function checkContainer(image: Image): Promise<void> {
  const [data] = image.volumes;
  if (data === undefined || image.user === "root") throw new Error("The image has no volume, or runs as root.");
  // A new volume of Docker gets the files and the owner of the folder in the image.
  const volume = join(work, "volume");
  execFileSync("cp", ["--archive", join(image.root, data), volume]);

  let container = await startContainer(image, [volume, data]);
  const mjflow = (...args: string[]) => container.exec("node", "node_modules/.bin/mjflow", ...args);
  const uid = container.exec(
    "sh",
    "-c",
    "id -u; stat -c %u /proc/1; touch /opt/mjflow/x 2>/dev/null || echo read-only",
  );
  expect("user of process 1, and its own program", uid.trim().split("\n").join(" "), "1000 1000 read-only");
  const key = container.exec("cat", `${data}/api.key`);
  expect("operator key", /^mjk_\S+$/.test(key.trim()), true);
  mjflow("doctor");
  mjflow("imagine", "a paper boat", "--then", "U1");
  mjflow("backup", `${data}/backup`);
  const foreign = container.exec("find", data, "!", "-user", "node", "-o", "-perm", "/077", "-type", "f").trim();
  expect("files of the volume that others own or may read", foreign, "");
  console.log(
    "✓ healthy as user node; the commands of docs/self-hosting.md work; the volume has only files of this user",
  );

  const slow = mjflow("imagine", "a boat --sim slow", "--no-wait", "--json");
  const { id } = JSON.parse(slow) as { id: string };
  expect("exit code after SIGTERM", await container.end("SIGTERM"), 0);
  container = await startContainer(image, [volume, data]);
  expect("a flow after a stop", (JSON.parse(mjflow("flow", id, "--json")) as { id: string }).id, id);
  console.log("✓ SIGTERM ends process 1 with 0, and the next container has the flows");

  await container.end("SIGKILL");
  container = await startContainer(image, [volume, data]);
  mjflow("watch", id);
  expect("exit code after SIGTERM", await container.end("SIGTERM"), 0);
  console.log("✓ after SIGKILL the next container starts with the same volume and completes the flow");

  // A folder of the host instead of a volume belongs to root.
  const folder = join(work, "folder-of-root");
  mkdirSync(folder, { mode: 0o755 });
  const refused = await startContainer(image, [folder, data]).catch((error: Error) => error.message);
  expect("start with a folder of root", /data folder \S+ cannot be used/.test(String(refused)), true);
  console.log("✓ with a folder that belongs to root the start says what is wrong");
}

/** Starts the command of the image and waits until its health check succeeds. */
async function startContainer(image: Image, volume: [string, string]): Promise<Container> {
  const [program = "", ...args] = inRoot(image, image.command, { isolated: true, volume });
  const child = spawn(program, args, { env: environment(image), stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = new Promise<number | string>((resolve) => {
    child.once("exit", (code, signal) => {
      running.delete(child);
      resolve(code ?? signal ?? "");
    });
  });
  const first = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
  const exec = (command: readonly string[]) => {
    const enter = [
      "--target",
      first(),
      "--mount",
      "--pid",
      "--net",
      "--root",
      `--wdns=${image.workdir}`,
      "--setuid",
      String(USERS[image.user]),
      "--setgid",
      String(USERS[image.user]),
    ];
    return spawnSync("nsenter", [...enter, "--", ...command], { encoding: "utf8", env: environment(image) });
  };
  for (const until = Date.now() + START_MS; ; ) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`The container ended with ${await ended}:\n${output}`);
    const health = first() === "" ? undefined : exec(image.health);
    if (health?.status === 0) break;
    if (Date.now() > until) throw new Error(`The container is not healthy:\n${health?.stderr}\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return {
    exec(...command) {
      const { status, stdout, stderr } = exec(command);
      if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}:\n${stdout}${stderr}\n${output}`);
      return stdout;
    },
    async end(signal) {
      process.kill(Number(first()), signal);
      const late = new Promise<string>((resolve) => setTimeout(resolve, GRACE_MS, "late").unref());
      return Promise.race([ended, late]);
    },
    output: () => output,
  };
}

function expect(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
}

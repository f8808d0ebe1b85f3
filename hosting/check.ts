/**
 * `npm run hosting:check`: runs the examples of proxies in front of a local server, with a certificate of its own.
 * It needs openssl and the packages `nginx-light` and `caddy` of Debian; a missing proxy is an error.
 *
 * The example for the address of a server that was moved runs in front of two servers that accept only their own host name.
 *
 * The documentation is built and served by Caddy.
 *
 * Each proxy must serve the API and the console with TLS, and pass a body above its own default limit. It must pass the
 * first event of a stream while the flow still runs, and no log may contain the path of a callback.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("../", import.meta.url).pathname;
const READY_MS = 60_000;
const TOKEN = "secret-path-of-a-callback";

const work = mkdtempSync(join(tmpdir(), "mjflow-hosting-"));
const children: ChildProcess[] = [];

interface Proxy {
  name: string;
  /** Writes the configuration of the example for these ports. @returns the command */
  command(port: number, upstream: number): { program: string; args: string[]; env: Record<string, string> };
}

const nginx: Proxy = {
  name: "nginx",
  command(port, upstream) {
    const folder = join(work, "nginx");
    mkdirSync(folder);
    const names = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem"), "-subj", "/CN=mj.example.com"];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...names], {
      stdio: "ignore",
    });
    const site = replaced("hosting/nginx.conf", [
      ["listen 443 ssl", `listen 127.0.0.1:${port} ssl`],
      ["/etc/letsencrypt/live/mj.example.com/fullchain.pem", join(folder, "cert.pem")],
      ["/etc/letsencrypt/live/mj.example.com/privkey.pem", join(folder, "key.pem")],
      ["/var/log/nginx/error.log", join(folder, "error.log")],
      ["http://127.0.0.1:4600", `http://127.0.0.1:${upstream}`],
    ]);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
      .join("\n");
    const http = `access_log ${join(folder, "access.log")};\n${temporary}\n${site}`;
    // Started by root, nginx would work as another user, who cannot write to this folder.
    const user = process.getuid?.() === 0 ? "user root;\n" : "";
    const config = `${user}pid ${join(folder, "pid")};\nerror_log ${join(folder, "error.log")};\nevents {}\nhttp {\n${http}}\n`;
    writeFileSync(join(folder, "nginx.conf"), config);
    return { program: "nginx", args: ["-c", join(folder, "nginx.conf"), "-g", "daemon off;"], env: {} };
  },
};

const caddy: Proxy = {
  name: "caddy",
  command: (port, upstream) => caddyCommand("caddy", "hosting/Caddyfile", port, { UPSTREAM: `127.0.0.1:${upstream}` }),
};

function caddyCommand(name: string, example: string, port: number, settings: Record<string, string>) {
  const folder = join(work, name);
  mkdirSync(folder);
  // A certificate of Caddy's own authority instead of one from the internet, and only the TLS port.
  const options = "{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n";
  const config = join(folder, "Caddyfile");
  writeFileSync(config, `${options}${readFileSync(join(ROOT, example), "utf8")}`);
  const env = { DOMAIN: `mj.example.com:${port}`, HOME: folder, ...settings };
  return { program: "caddy", args: ["run", "--config", config, "--adapter", "caddyfile"], env };
}

try {
  await main();
} finally {
  for (const child of children) child.kill("SIGTERM");
  await Promise.all(
    children.map((child) => child.exitCode ?? child.signalCode ?? new Promise((ended) => child.once("exit", ended))),
  );
  rmSync(work, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const [tlsOfNginx, tlsOfCaddy, port] = [await freePort(), await freePort(), await freePort()];
  const env = {
    MJFLOW_PUBLIC_URL: `https://mj.example.com`,
    MJFLOW_DATA_DIR: join(work, "data"),
    MJFLOW_PORT: String(port),
  };
  const server = start("mjflow", process.execPath, [join(ROOT, "bin/mjflow.mjs"), "dev"], env);
  await server.said(/Ctrl-C stops it/);
  const key = readFileSync(join(work, "data/api.key"), "utf8").trim();
  for (const [proxy, tls] of [
    [nginx, tlsOfNginx],
    [caddy, tlsOfCaddy],
  ] as const) {
    const { program, args, env } = proxy.command(tls, port);
    const running = start(proxy.name, program, args, env);
    await reachable(tls, running.text);
    await check(proxy.name, tls, key);
    const logs = running.text() + logsIn(join(work, proxy.name));
    if (logs.includes(TOKEN)) throw new Error(`A log of ${proxy.name} contains the path of a callback.`);
    console.log(`✓ ${proxy.name}: API, console, large body, event stream; no callback path in a log`);
  }
  await checkMoved();
  await checkDocs();
}

/** The documentation on a host of its own. */
async function checkDocs(): Promise<void> {
  const site = join(work, "site");
  execFileSync(process.execPath, [join(ROOT, "packages/docs/build.ts"), site, "--base", "/"], { stdio: "ignore" });
  const port = await freePort();
  const policy = readFileSync(join(site, "policy.txt"), "utf8");
  const { program, args, env } = caddyCommand("docs", "hosting/Caddyfile.docs", port, { SITE: site, POLICY: policy });
  const running = start("Caddyfile.docs", program, args, env);
  await reachable(port, running.text, "/");
  const get = (path: string) => send(port, "GET", path, {});
  const first = await get("/");
  if (first.headers["content-security-policy"] !== policy) throw new Error("Caddyfile.docs sends another policy.");
  const style = /href="(\/assets\/style[^"]+)"/.exec(await textOf(first))?.[1];
  const paths = [`${style}`, "/quickstart", "/errors/not_found", "/reference/flows", "/no-such-page"];
  const statuses = (await Promise.all(paths.map(get))).map(({ statusCode }) => statusCode);
  if (statuses.join() !== "200,200,200,200,404") throw new Error(`Caddyfile.docs answered ${statuses} to ${paths}.`);
  console.log("✓ Caddyfile.docs: pages, style and page of an error, with the policy of the site");
}

/** The former address of a moved server: callbacks and all other requests lead to two addresses of a deployment. */
async function checkMoved(): Promise<void> {
  const [api, callback] = [await startStage("api"), await startStage("callback")];
  const port = await freePort();
  const settings = { API: `http://127.0.0.1:${api.port}`, CALLBACK: `http://127.0.0.1:${callback.port}` };
  const { program, args, env } = caddyCommand("moved", "hosting/Caddyfile.moved", port, settings);
  const running = start("Caddyfile.moved", program, args, env);
  await reachable(port, running.text);
  const reached = async (path: string) => textOf(await send(port, "POST", path, {}, "{}"));
  const answers = [
    await reached(`/callbacks/${TOKEN}`),
    await reached("/v1/flows?limit=2"),
    await reached("/mj/submit/imagine"),
  ];
  const expected = [`callback /callbacks/${TOKEN}`, "api /v1/flows?limit=2", "api /mj/submit/imagine"];
  if (answers.join() !== expected.join()) throw new Error(`Caddyfile.moved led to ${answers.join(", ")}.`);
  if (running.text().includes(TOKEN)) throw new Error("A log of Caddyfile.moved contains the path of a callback.");
  console.log("✓ Caddyfile.moved: callbacks and other requests reach their addresses; no callback path in a log");
  api.close();
  callback.close();
}

/** A server that accepts only its own host name, like an address of Lambda. It says its name and the path. */
async function startStage(name: string): Promise<{ port: number; close(): void }> {
  const server = createHttpServer((request, response) => {
    const isOwn = request.headers.host === `127.0.0.1:${(server.address() as { port: number }).port}`;
    response.writeHead(isOwn ? 200 : 403).end(isOwn ? `${name} ${request.url}` : "another host");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}

async function check(name: string, port: number, key: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const expect = (what: string, actual: unknown, expected: unknown) => {
    if (actual !== expected) throw new Error(`${name}, ${what}: ${String(actual)} instead of ${String(expected)}`);
  };
  expect("API", (await send(port, "GET", "/v1/flows", headers)).statusCode, 200);
  expect("console", (await send(port, "GET", "/console/", {})).statusCode, 200);
  // mjflow itself must reject a body above its limit, not the proxy: its error is JSON.
  const large = JSON.stringify({ provider: "simulator", prompt: "x", images: ["a".repeat(7 * 1024 * 1024)] });
  const rejected = await send(port, "POST", "/v1/flows", headers, large);
  expect("large body", rejected.statusCode, 413);
  expect("large body", rejected.headers["content-type"]?.split(";")[0], "application/json");
  expect("callback", (await send(port, "POST", `/callbacks/${TOKEN}`, {}, "{}")).statusCode, 401);

  const created = await send(
    port,
    "POST",
    "/v1/flows",
    headers,
    '{"provider":"simulator","prompt":"a boat --sim slow"}',
  );
  expect("flow", created.statusCode, 202);
  const { id } = JSON.parse(await textOf(created)) as { id: string };
  const stream = await send(port, "GET", `/v1/flows/${id}/events`, headers);
  expect("stream", stream.statusCode, 200);
  // The first event arrives while the flow still runs. A proxy that collects the response would send it at the end.
  for await (const chunk of stream) if (String(chunk).includes("data:")) break;
  const flow = JSON.parse(await textOf(await send(port, "GET", `/v1/flows/${id}`, headers))) as { status: string };
  expect("flow after its first event", flow.status, "running");
  stream.destroy();
  await send(port, "POST", `/v1/flows/${id}/cancel`, headers);
}

function send(port: number, method: string, path: string, headers: Record<string, string>, body?: string) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, servername: "mj.example.com", rejectUnauthorized: false };
    const host = { host: `mj.example.com:${port}` };
    request({ ...options, headers: { ...headers, ...host } }, resolve)
      .once("error", reject)
      .end(body);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  return (await response.setEncoding("utf8").toArray()).join("");
}

/** Waits until the proxy accepts TLS connections. */
async function reachable(port: number, said: () => string, path = "/healthz"): Promise<void> {
  for (const until = Date.now() + READY_MS; Date.now() < until; ) {
    const status = await send(port, "GET", path, {}).then(
      ({ statusCode }) => statusCode,
      () => undefined,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`The proxy does not answer:\n${said()}`);
}

function start(name: string, program: string, args: readonly string[], env: Record<string, string>) {
  const child = spawn(program, args, { cwd: work, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let text = "";
  let check = () => {};
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}:\n${text}`)));
  });
  failed.catch(() => {});
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      check();
    });
  }
  return {
    text: () => text,
    said: (pattern: RegExp) => {
      const said = new Promise<void>((resolve) => {
        check = () => pattern.test(text) && resolve();
        check();
      });
      return Promise.race([said, failed]);
    },
  };
}

function replaced(file: string, changes: readonly (readonly [string, string])[]): string {
  return changes.reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${file} does not contain ${from}.`);
      return text.replaceAll(from, to);
    },
    readFileSync(join(ROOT, file), "utf8"),
  );
}

function logsIn(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.endsWith(".log"));
  return names.map((name) => readFileSync(join(folder, name), "utf8")).join("");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Runs commands of the real sst program in a copy of this project, without an AWS account. The program finds its state in a
 * small fake of AWS on loopback, and a script takes the place of Pulumi's engine. So nothing is created, but the program
 * evaluates `app()` of sst.config.ts, bundles `run()`, and writes what it always writes into the project.
 */
import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = path.resolve(fileURLToPath(import.meta.url), "../../..");
const run = promisify(execFile);

/** Takes the place of `pulumi`: `stack init` makes an empty state, every other command does nothing. */
const PULUMI = `#!/usr/bin/env node
const { mkdirSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const args = process.argv.slice(2);
if (args[0] === "stack") {
  const file = join(process.cwd(), ".pulumi/stacks", args[2].split("/")[1], args[2].split("/")[2] + ".json");
  mkdirSync(dirname(file), { recursive: true });
  const latest = { manifest: { time: "2026-01-01T00:00:00Z", magic: "", version: "" }, resources: [] };
  writeFileSync(file, JSON.stringify({ version: 3, checkpoint: { stack: args[2], latest } }));
} else {
  const events = [{ preludeEvent: { config: {} } }, { summaryEvent: { resourceChanges: {} } }];
  writeFileSync(args[args.indexOf("--event-log") + 1], events.map((event) => JSON.stringify(event) + "\\n").join(""));
  process.exitCode = Number(process.env.PULUMI_EXIT_CODE ?? 0);
}
`;

/** The calls of AWS that the sst program makes itself: parameters (SSM) and state files (S3). */
async function startAws() {
  const parameters = new Map([
    ["/sst/bootstrap", JSON.stringify({ version: 99, asset: "sst-asset-check", state: "sst-state-check" })],
  ]);
  const objects = new Map();
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const target = request.headers["x-amz-target"];
    if (target !== undefined) return answerParameter(target, JSON.parse(body), parameters, response);
    const { pathname, searchParams } = new URL(request.url, "http://aws");
    if (request.method === "PUT") objects.set(pathname, body);
    if (request.method === "DELETE") objects.delete(pathname);
    if (request.method !== "GET" && request.method !== "HEAD") return response.end();
    if (searchParams.has("list-type")) return response.end("<ListBucketResult></ListBucketResult>");
    const object = objects.get(pathname);
    if (object) return response.end(object);
    response.statusCode = 404;
    response.end("<Error><Code>NoSuchKey</Code><Message>not here</Message></Error>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

function answerParameter(target, { Name, Value }, parameters, response) {
  response.setHeader("Content-Type", "application/x-amz-json-1.1");
  if (target.endsWith(".PutParameter")) parameters.set(Name, Value);
  if (!target.endsWith(".GetParameter")) return response.end("{}");
  if (parameters.has(Name)) return response.end(JSON.stringify({ Parameter: { Name, Value: parameters.get(Name) } }));
  response.statusCode = 400;
  response.end(JSON.stringify({ __type: "ParameterNotFound", message: "not here" }));
}

/** Makes a copy of the project with a git repository of its own. */
export async function copyProject() {
  const folder = mkdtempSync(path.join(tmpdir(), "mjflow-cli-"));
  const project = path.join(folder, "project");
  const list = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of list.split("\0").filter(Boolean)) {
    try {
      cpSync(path.join(root, file), path.join(project, file));
    } catch (error) {
      // git lists a file that was deleted and not yet committed.
      if (error.code !== "ENOENT") throw error;
    }
  }
  mkdirSync(path.join(project, ".sst"));
  for (const shared of ["node_modules", ".sst/platform", ".sst/provider-lock.json"])
    symlinkSync(path.join(root, shared), path.join(project, shared));
  const config = path.join(folder, "config/sst/bin");
  mkdirSync(config, { recursive: true });
  writeFileSync(path.join(config, "pulumi"), PULUMI, { mode: 0o755 });
  const git = (...args) =>
    execFileSync("git", ["-c", "user.name=check", "-c", "user.email=check@example.com", ...args], {
      cwd: project,
      encoding: "utf8",
    });
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "copy");
  const aws = await startAws();
  function execute(file, args, env) {
    // Settings and credentials of the developer must not influence the check.
    const inherited = Object.entries(process.env).filter(([name]) => !/^(AWS|MJFLOW|SST)_/.test(name));
    const options = {
      cwd: project,
      env: {
        ...Object.fromEntries(inherited),
        PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
        XDG_CONFIG_HOME: path.join(folder, "config"),
        SST_PULUMI_PATH: path.join(config, "pulumi"),
        SST_SKIP_DEPENDENCY_CHECK: "1",
        SST_NO_BUN: "1",
        SST_TELEMETRY_DISABLED: "1",
        AWS_ENDPOINT_URL: aws.url,
        AWS_ACCESS_KEY_ID: "check",
        AWS_SECRET_ACCESS_KEY: "check",
        AWS_REGION: "eu-west-1",
        ...env,
      },
    };
    return run(file, args, options).then(
      ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
      ({ code, stdout, stderr }) => ({ code, output: stdout + stderr }),
    );
  }
  return {
    project,
    git,
    async edit(file, change) {
      const text = change(existsSync(path.join(project, file)) ? readFileSync(path.join(project, file), "utf8") : "");
      writeFileSync(path.join(project, file), text);
      return text;
    },
    /**
     * Runs a shell script as the guide gives it, with the copy as working directory and a home of its own.
     *
     * @param programs shell scripts that take the place of programs, by name
     */
    shell(script, programs = {}) {
      const bin = path.join(folder, "bin");
      mkdirSync(bin, { recursive: true });
      for (const [name, text] of Object.entries(programs))
        writeFileSync(path.join(bin, name), `#!/usr/bin/env bash\n${text}\n`, { mode: 0o755 });
      const PATH = [
        ...(Object.keys(programs).length > 0 ? [bin] : []),
        path.dirname(process.execPath),
        process.env.PATH,
      ];
      return execute("bash", ["-euo", "pipefail", "-c", script], { HOME: folder, PATH: PATH.join(":") });
    },
    /** Makes a remote repository, and one commit in it that the copy does not have yet. */
    publish(file, text) {
      const remote = path.join(folder, "remote");
      if (!existsSync(remote)) {
        git("clone", "--quiet", project, remote);
        git("remote", "add", "origin", remote);
        git("fetch", "--quiet", "origin");
        git("branch", "--quiet", "--set-upstream-to", `origin/${git("branch", "--show-current").trim()}`);
      }
      writeFileSync(path.join(remote, file), text);
      git("-C", remote, "add", "--all");
      git("-C", remote, "commit", "--quiet", "--message", "next version");
    },
    /** @returns exit code and output of `sst <args>` */
    sst: (args, env = {}) => execute(path.join(project, "node_modules/.bin/sst"), args, env),
    close() {
      aws.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

#!/usr/bin/env node
/**
 * Runs sst.config.ts as a deployment does, with SST's own components, but with a mock of Pulumi's engine. It needs
 * neither AWS nor Pulumi. It prints every resource that a deployment would create, as JSON.
 *
 *     node infra/check/evaluate.mjs --stage production [--out file.json]
 *     node infra/check/evaluate.mjs --build        bundles and runs each function, and prints a table instead
 *     node infra/check/evaluate.mjs --dev          evaluates like `sst dev`
 *     node infra/check/evaluate.mjs --without ApiKey    evaluates without a value for that secret
 *     node infra/check/evaluate.mjs --build --keep folder --out file.json   keeps the bundles, for npm run rehearse
 *     node infra/check/evaluate.mjs --quota 10     evaluates with a small Lambda quota of the account; 0: unknown
 *     node infra/check/evaluate.mjs --stages ""    evaluates with these stages in the account, comma-separated
 *     node infra/check/evaluate.mjs --state file.json   evaluates what the next deployment after this evaluation would
 *                                                  make, with other random bytes (diff.ts compares the two)
 *
 * Needs .sst/platform (platform.sh). SST registers resources from callbacks of callbacks, and no promise covers all of
 * them. Therefore the evaluation is complete when the process has nothing left to wait for, as in Pulumi's own engine.
 */
import crypto from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BUDGET_KB } from "./budget.mjs";
import { bundleFunction } from "./bundle.mjs";
import { loadConfig } from "./config.mjs";
import { createMocks, plain } from "./mock.mjs";
import { startRpc } from "./rpc.mjs";
import { SECRETS } from "./secret.mjs";

const root = path.resolve(fileURLToPath(import.meta.url), "../../..");
const { values: options } = parseArgs({
  options: {
    stage: { type: "string", default: "production" },
    build: { type: "boolean", default: false },
    dev: { type: "boolean", default: false },
    without: { type: "string", multiple: true, default: [] },
    keep: { type: "string" },
    quota: { type: "string", default: "1000" },
    stages: { type: "string", default: "trial" },
    state: { type: "string" },
    out: { type: "string" },
  },
});

/** What the deployment before has made; undefined for the first one. */
const state = options.state && JSON.parse(readFileSync(options.state, "utf8"));
// Physical names end with random bytes. The bytes are fixed here so that evaluations can be compared. After a deployment
// SST draws other bytes, and Pulumi keeps the former name.
if (!state) crypto.randomBytes = (size) => Buffer.alloc(size, 1);
process.env.AWS_REGION ??= "eu-west-1";
process.env.SST_AWS_REGION ??= process.env.AWS_REGION;
for (const [name, value] of Object.entries(SECRETS)) {
  if (options.without.includes(name)) delete process.env[`SST_SECRET_${name}`];
  else process.env[`SST_SECRET_${name}`] ??= value;
}

// Each evaluation builds in its own folder, so that concurrent evaluations do not zip the bundles of one another.
const platform = path.join(root, ".sst/platform");
await mkdir(path.join(root, ".sst/check"), { recursive: true });
const work = options.keep ? path.resolve(options.keep) : await mkdtemp(path.join(root, ".sst/check/"));
if (!options.keep) process.on("exit", () => rmSync(work, { recursive: true, force: true }));

const builds = [];
const server = await startRpc({
  "Provider.Aws.Bootstrap": () => ({ asset: "sst-asset", state: "sst-state" }),
  "Provider.Aws.Appsync": () => ({ http: "appsync.example", realtime: "realtime.example" }),
  "Runtime.AddTarget": () => true,
  "Runtime.Build": async ({ functionID, handler, runtime, properties, links }) => {
    const out = path.join(work, "artifacts", `${functionID}-src`);
    await mkdir(out, { recursive: true });
    const { maps, ...built } = options.build
      ? await bundleFunction({ root, name: functionID, handler, out, runtime, nodejs: properties, links })
      : { maps: [] };
    if (!options.build) await writeFile(path.join(out, "bundle.mjs"), "");
    builds.push({ name: functionID, handler, runtime, nodejs: properties, links: Object.keys(links).sort(), ...built });
    return { out, handler: `bundle${path.extname(handler)}`, errors: [], sourcemaps: maps };
  },
});
process.env.SST_SERVER = server.url;

// This must be the same module instance that the components import, because each instance has its own engine.
const pulumi = createRequire(path.join(platform, "package.json"))("@pulumi/pulumi");
const { run, config } = await loadConfig({ root, platform });
const app = await config.app({ stage: options.stage });

const mocks = createMocks({
  region: process.env.SST_AWS_REGION,
  lambdaQuota: Number(options.quota),
  stages: options.stages.split(",").filter(Boolean),
});
pulumi.runtime.setMocks(mocks, app.name, options.stage, false, "organization");

const resources = [];
const links = {};
record(pulumi.runtime.getMonitor());

Object.assign(globalThis, {
  $app: { removal: "remove", protect: false, providers: {}, ...app, stage: options.stage },
  $dev: options.dev,
  $cli: {
    command: "deploy",
    rpc: server.url,
    paths: { root, platform, work, home: work },
    state: { version: versions() },
  },
});

const errors = new Set();
const fail = (error) => errors.add(error?.stack ?? String(error));
process.on("unhandledRejection", fail);
process.once("beforeExit", async () => {
  if (errors.size > 0) {
    for (const error of errors) console.error(error);
    // The resources that a deployment would have made before it failed.
    const made = resources.filter(({ type }) => !type.startsWith("pulumi:")).map(({ name }) => name);
    console.error(`Registered before the error: ${made.length}${made.length > 0 ? `, ${made.join(" ")}` : ""}`);
    process.exitCode = 1;
    return;
  }
  const evaluation = {
    app: app.name,
    stage: options.stage,
    links,
    builds: builds.sort((a, b) => a.name.localeCompare(b.name)),
    resources: resources.map((resource) => ({ ...resource, arn: mocks.arnOf(resource.type, resource.name) })),
  };
  if (options.build) {
    const rows = evaluation.builds.map(({ name, bytes, eagerBytes, eagerGzip, loadMs }) => {
      return [name, { bytes, eagerBytes, budget: BUDGET_KB[name] * 1_000, eagerGzip, loadMs }];
    });
    console.table(Object.fromEntries(rows));
  }
  const text = `${JSON.stringify(evaluation, undefined, 2)}\n`;
  if (options.out) await writeFile(options.out, text);
  else if (!options.build) process.stdout.write(text);
});
pulumi.runtime.runInPulumiStack(() => run(config.run)).catch(fail);

/** SST gives a program the version of each component that the stage has. */
function versions() {
  const components = (state?.resources ?? []).filter(({ type }) => type.startsWith("sst:"));
  return Object.fromEntries(components.map(({ name }) => [name, 1]));
}

/** Gives inputs whose changes Pulumi ignores their former value, as Pulumi does. */
function keepIgnored(request) {
  const former = state?.resources.find(({ type, name }) => type === request.getType() && name === request.getName());
  if (!former) return;
  const inputs = request.getObject().toJavaScript();
  for (const field of request.getIgnorechangesList())
    if (field in former.inputs) inputs[field] = former.inputs[field];
    else delete inputs[field];
  request.setObject(request.getObject().constructor.fromJavaScript(inputs));
}

/**
 * Records requests to the engine. Only these contain the options and parents of a resource; mocks do not receive them.
 */
function record(monitor) {
  const { registerResource, registerResourceOutputs } = monitor;
  monitor.registerResource = (request, callback) => {
    keepIgnored(request);
    const inputs = plain(pulumi.runtime.deserializeProperties(request.getObject()));
    const { source } = request.getObject().toJavaScript();
    // The path of a file is absolute, and each evaluation has its own folder.
    const isFile = inputs.source?.__pulumiAsset || inputs.source?.__pulumiArchive;
    if (isFile && source.path) inputs.source = { file: path.relative(work, source.path) };
    resources.push({
      type: request.getType(),
      name: request.getName(),
      parent: request.getParent().split("::").at(-1) || undefined,
      protect: request.getProtect() ?? false,
      retainOnDelete: request.getRetainondelete() ?? false,
      ignoreChanges: request.getIgnorechangesList(),
      inputs,
    });
    return registerResource.call(monitor, request, callback);
  };
  monitor.registerResourceOutputs = (request, callback) => {
    if (request.getUrn().includes("sst:sst:LinkRef::")) {
      const { target, properties } = plain(request.getOutputs().toJavaScript());
      links[target] = properties;
    }
    return registerResourceOutputs.call(monitor, request, callback);
  };
}

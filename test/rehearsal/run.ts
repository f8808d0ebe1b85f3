/**
 * `npm run rehearse`: a trial stage on one machine, as AWS would run it. SST's components are evaluated, their resources are
 * made on moto, and the built bundles run in processes with one event at a time. Each call to AWS is judged by the policies
 * of its function. At the end the stage is deployed again and removed. `docs/decisions/0044` says what this shows and what
 * only a real account can show. With names of groups it runs only these, without the diff, and no permission needs
 * a use:
 *
 *     npm run rehearse -- flow console large small fault busy timeout
 */
import { readFileSync } from "node:fs";
import { startSimulator } from "@mjflow/simulator/server";
import { differences } from "../../infra/check/diff.ts";
import { createAws } from "./aws.ts";
import { checkBusyVendor, checkSmallAccount, REHEARSAL_TIMINGS } from "./check/busy.ts";
import { checkConsole } from "./check/console.ts";
import { checkFaults, checkLargeImage, checkTimeouts } from "./check/fault.ts";
import { checkFlows } from "./check/flow.ts";
import { startLargeImageVendor } from "./large-image-vendor.ts";
import { findMoto, startMoto } from "./python.ts";
import { bootstrap, existing, removeResources, unnamed } from "./resource.ts";
import { expect, type Session, startSession } from "./session.ts";
import { evaluate, startStage } from "./stage.ts";
import { unusedPermissions } from "./unused.ts";

/** Concurrent executions of the account. A new account has 10. */
const LIMIT = Number(process.env["MJFLOW_REHEARSAL_LIMIT"] || 10);
const OPERATOR_KEY = "operator-key-of-the-rehearsal-32-chars";
const GUIDE = new URL("../../docs/deploy.md", import.meta.url);

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const only = process.argv.slice(2);
const found = findMoto();
if ("reason" in found) {
  console.log(`The rehearsal is skipped: ${found.reason}.`);
  // Who names a Python wants the rehearsal. A nightly run must not pass because its Python has lost moto.
  process.exit(process.env["MJFLOW_PYTHON"] ? 1 : 0);
}
const simulator = await startSimulator({ speed: 0.1 });
const largeImages = await startLargeImageVendor();
const moto = await startMoto(found.python);
const aws = createAws(moto.url);
const settings = {
  SST_SECRET_HookKey: "hook-key-of-the-rehearsal-of-32-characters",
  SST_SECRET_VaultKey: "vault-key-of-the-rehearsal-of-32-characters",
  SST_SECRET_PreviousHookKey: "",
  SST_SECRET_PreviousVaultKey: "",
  SST_SECRET_TranslateKey: "",
  SST_SECRET_ApiKey: OPERATOR_KEY,
  SST_SECRET_Providers: JSON.stringify({
    simulator: { baseUrl: simulator.baseUrl("simulator"), apiKey: "simulated" },
    cometapi: { baseUrl: largeImages.url, apiKey: "simulated" },
  }),
  // Vendor images and webhook receivers are on loopback here.
  MJFLOW_OUTBOUND_ALLOW: "127.0.0.1:*",
  MJFLOW_BUS: "on",
  MJFLOW_ARCHIVE: "on",
  MJFLOW_CONSOLE_URL: "https://console.cloudfront.net",
  MJFLOW_LOG: "warn",
};
const GROUPS: Record<string, (session: Session) => Promise<void>> = {
  flow: checkFlows,
  console: checkConsole,
  large: (session) => checkLargeImage(session, largeImages.bytes),
  small: checkSmallAccount,
  fault: checkFaults,
  busy: checkBusyVendor,
  timeout: checkTimeouts,
};
const evaluation = evaluate("trial", settings);
const { infra } = evaluation;
const empty = await existing(aws);
await bootstrap(aws, infra);
const stage = await startStage(evaluation, moto.url, LIMIT, REHEARSAL_TIMINGS);
const session = await startSession(stage, simulator, OPERATOR_KEY);
const { checks, check } = session;
try {
  for (const [name, run] of Object.entries(GROUPS)) {
    if (only.length > 0 && !only.includes(name)) continue;
    // A group whose preparation fails must not keep the processes of the stage and of moto alive.
    await run(session).catch(
      (error: unknown) => void checks.push({ name: `the group ${name}`, problem: String(error) }),
    );
  }
} finally {
  await session.close();
  await stage.stop();
  await simulator.stop();
  largeImages.stop();
}

const { judge, pools, concurrency } = stage;
const throttled = [...concurrency.throttled].map(([name, count]) => `${name} ${count}`).join(", ");
if (only.length === 0)
  await check("a second diff is empty, with the bundles built again", async () => {
    const changes = differences(infra, evaluate("trial", settings, evaluation).infra);
    expect(changes.length === 0, changes.join("; "));
  });
await check("the removal of the stage leaves nothing but what docs/deploy.md names", async () => {
  await removeResources(aws, infra);
  const left = (await existing(aws)).filter((one) => !empty.includes(one));
  const wrong = unnamed(left, readFileSync(GUIDE, "utf8"));
  expect(left.length > 0 && wrong.length === 0, wrong.join("; ") || "not even SST's own parts exist");
});
moto.stop();
await check("no call is denied", async () => {
  expect(judge.denied.length === 0, [...new Set(judge.denied)].join("; "));
});
const { unused, reasons, stale } = unusedPermissions(stage.granted, judge.used);
if (only.length === 0)
  await check("every permission is used, except the named ones", async () => {
    expect(unused.length === 0, unused.join("; "));
  });
await check("each environment handles one event at a time, and no function fails", async () => {
  const errors = [...pools].flatMap(([name, pool]) => pool.errors.map((error) => `${name}: ${error}`));
  expect(errors.length === 0, errors.slice(0, 3).join("; "));
});
await check("Lambda's detection of recursive loops drops no invocation", async () => {
  const dropped = [...pools].filter(([, pool]) => pool.dropped > 0).map(([name]) => name);
  expect(dropped.length === 0, dropped.join());
});

for (const { name, problem } of checks) console.log(`${problem ? "✗" : "✓"} ${name}${problem ? `: ${problem}` : ""}`);
const failed = checks.filter(({ problem }) => problem);
const calls = [...judge.counts.values()].reduce((sum, count) => sum + count, 0);
console.log(`
${checks.length - failed.length} of ${checks.length} checks, ${calls} calls to AWS, ${judge.denied.length} denied
${LIMIT} concurrent executions: at most ${concurrency.peak} used, throttled: ${throttled || "none"}
invocations: ${[...pools].map(([name, pool]) => `${name} ${pool.invocations}`).join(", ")}
longest chains: ${[...pools].map(([name, pool]) => `${name} ${pool.maxHops}`).join(", ")}
permissions without a use: ${reasons.length === 0 ? "none" : ""}${reasons.map((line) => `\n  ${line}`).join("")}`);
if (stale.length > 0)
  console.log(`used although test/rehearsal/unused.ts names them:${stale.map((s) => `\n  ${s}`).join("")}`);
process.exit(failed.length > 0 ? 1 : 0);

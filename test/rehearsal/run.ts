/**
 * `npm run rehearse`: a trial stage on one machine, as AWS would run it. SST's components are evaluated, their resources are
 * made on moto, and the built bundles run in processes with one event at a time. Each call to AWS is judged by the policies
 * of its function. `docs/decisions/0044` says what this shows and what only a real account can show.
 */
import { startSimulator } from "@mjflow/simulator/server";
import { drive, REHEARSAL_TIMINGS } from "./drive.ts";
import { findMoto, startMoto } from "./python.ts";
import { evaluate, startStage } from "./stage.ts";
import { unusedPermissions } from "./unused.ts";

/** Concurrent executions of the account. Cold starts take longer here than on AWS, so the default is no small account. */
const LIMIT = Number(process.env["MJFLOW_REHEARSAL_LIMIT"] || 1_000);
const OPERATOR_KEY = "operator-key-of-the-rehearsal-32-chars";

const found = findMoto();
if ("reason" in found) {
  console.log(`The rehearsal is skipped: ${found.reason}.`);
  process.exit(0);
}
const simulator = await startSimulator({ speed: 0.1 });
const moto = await startMoto(found.python);
const vendor = { baseUrl: simulator.baseUrl("simulator"), apiKey: "simulated" };
const evaluation = evaluate("trial", {
  SST_SECRET_HookKey: "hook-key-of-the-rehearsal-of-32-characters",
  SST_SECRET_VaultKey: "vault-key-of-the-rehearsal-of-32-characters",
  SST_SECRET_PreviousHookKey: "",
  SST_SECRET_PreviousVaultKey: "",
  SST_SECRET_ApiKey: OPERATOR_KEY,
  SST_SECRET_Providers: JSON.stringify({ simulator: vendor }),
  // Vendor images and webhook receivers are on loopback here.
  MJFLOW_OUTBOUND_ALLOW: "127.0.0.1:*",
  MJFLOW_BUS: "on",
  MJFLOW_ARCHIVE: "on",
  MJFLOW_LOG: "warn",
});
const stage = await startStage(evaluation, moto.url, LIMIT, REHEARSAL_TIMINGS);
const checks = await drive(stage, simulator, OPERATOR_KEY).finally(async () => {
  await stage.stop();
  await simulator.stop();
  moto.stop();
});

const unused = unusedPermissions(stage.granted, stage.judge.used);
const lambdaErrors = [...stage.pools].flatMap(([name, pool]) => pool.errors.map((error) => `${name}: ${error}`));
const all = [
  ...checks,
  { name: "no call is denied", problem: stage.judge.denied.join("; ") },
  { name: "every permission is used, except the named ones", problem: unused.join("; ") },
  { name: "no function fails", problem: lambdaErrors.slice(0, 3).join("; ") },
  {
    name: `no invocation is throttled with ${LIMIT} concurrent executions`,
    problem: stage.concurrency.throttled > 0 ? `${stage.concurrency.throttled} invocations were throttled` : "",
  },
];
for (const { name, problem } of all) console.log(`${problem ? "✗" : "✓"} ${name}${problem ? `: ${problem}` : ""}`);
const invocations = [...stage.pools].map(([name, pool]) => `${name} ${pool.invocations}`).join(", ");
const calls = [...stage.judge.counts.values()].reduce((sum, count) => sum + count, 0);
const failed = all.filter(({ problem }) => problem);
console.log(
  `\n${all.length - failed.length} of ${all.length} checks, ${calls} calls to AWS, ${stage.judge.denied.length} denied, ` +
    `at most ${stage.concurrency.peak} executions at a time, ` +
    `chains of at most ${stage.judge.maxHops} hops\ninvocations: ${invocations}`,
);
const most = [...stage.judge.counts].toSorted(([, a], [, b]) => b - a).slice(0, 8);
console.log(`most calls: ${most.map(([call, count]) => `${call} ${count}`).join(", ")}`);
process.exit(failed.length > 0 ? 1 : 0);

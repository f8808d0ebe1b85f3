/**
 * `npm run mutate:guards` removes each heal of `guard-list.ts` once and expects that its tests fail. The sources on the disk stay
 * unchanged. The exit code is 1 if a test suite passes without its heal.
 */
import { spawnSync } from "node:child_process";
import { GUARDS } from "./guard-list.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const unguarded = GUARDS.filter(({ name }, i) => {
  const { status, stdout } = spawnSync(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", "--config", "test/mutation/guard.vitest.ts"],
    { cwd: ROOT, env: { ...process.env, MJFLOW_GUARD: String(i), NO_COLOR: "1" }, encoding: "utf8" },
  );
  // A suite that could not be loaded has no failed test.
  const failed = Number(/Tests {2}(\d+) failed/.exec(stdout)?.[1] ?? 0);
  const isGuarded = status !== 0 && failed > 0;
  console.log(`${isGuarded ? "guarded  " : "UNGUARDED"}  ${name} (${failed} failed)`);
  return !isGuarded;
});
process.exit(unguarded.length > 0 ? 1 : 0);

/**
 * `node test/fault/version/freeze.ts <commit> <name>` bundles the engine, the store and the queue of a commit into
 * `<name>.mjs`. Tests can then run that version together with the current one, without git and network. Run it once for
 * each release.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

// The bundle exports the functions of the simulation's processes (CURRENT_VERSION in test/sim/simulation.ts) and the
// store.
const [commit, name] = process.argv.slice(2);
if (!commit || !name) throw new Error("Usage: node test/fault/version/freeze.ts <commit> <name>");
const root = new URL("../../../", import.meta.url).pathname;
const tree = mkdtempSync(join(tmpdir(), "mjflow-freeze-"));
try {
  const archive = execFileSync("git", ["archive", commit, "packages"], { cwd: root, maxBuffer: 1 << 28 });
  execFileSync("tar", ["x", "-C", tree], { input: archive });
  const sha = execFileSync("git", ["rev-parse", commit], { cwd: root, encoding: "utf8" }).trim();
  await build({
    stdin: {
      contents: `
        export { createAccounts } from "@mjflow/engine/account";
        export { archive } from "@mjflow/engine/archive";
        export { handleDeadLetter as bury } from "@mjflow/engine/handle-dead-letter";
        export { createFlow } from "@mjflow/engine/create";
        export { deliver } from "@mjflow/engine/deliver";
        export { notifySubscribers as tell } from "@mjflow/engine/notify";
        export { createCallbackTokens as createHooks } from "@mjflow/engine/callback-token";
        export { handleCallback as receive } from "@mjflow/engine/handle-callback";
        export { applyAcceptedMessage as taken, handleSubmitMessage as work, submit } from "@mjflow/engine/submit";
        export { sweep } from "@mjflow/engine/sweep";
        export { consume } from "@mjflow/queue/consume";
        export { createDynamoStore } from "@mjflow/store/dynamo";
      `,
      resolveDir: root,
    },
    alias: Object.fromEntries(
      ["core", "engine", "queue", "store"].map((pkg) => [`@mjflow/${pkg}`, join(tree, "packages", pkg, "src")]),
    ),
    nodePaths: [join(root, "node_modules")],
    outfile: join(root, `test/fault/version/${name}.mjs`),
    banner: { js: `// mjflow at ${sha}, bundled by freeze.ts. Do not edit.` },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    external: ["@aws-sdk/*", "zod"],
    minifyWhitespace: true,
    legalComments: "none",
  });
} finally {
  rmSync(tree, { recursive: true, force: true });
}

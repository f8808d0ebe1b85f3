/**
 * `node test/fault/version/freeze.ts <commit> <name>`: bundles the engine, the store and the queue as they were at a commit
 * into `<name>.mjs`, so that tests run that version beside today's with neither git nor network. Run once for a release.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

// What the simulation's processes are made of (test/sim/simulation.ts, TODAY), and the store.
const [commit, name] = process.argv.slice(2);
if (!commit || !name) throw new Error("Say which commit, and a name for it");
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
        export { bury } from "@mjflow/engine/bury";
        export { createFlow } from "@mjflow/engine/create";
        export { deliver, tell } from "@mjflow/engine/deliver";
        export { createHooks } from "@mjflow/engine/hook";
        export { receive } from "@mjflow/engine/receive";
        export { submit, taken, work } from "@mjflow/engine/submit";
        export { sweep } from "@mjflow/engine/sweep";
        export { consume } from "@mjflow/queue/consume";
        export { createDynamoStore } from "@mjflow/store/dynamo";
      `,
      resolveDir: root,
    },
    alias: Object.fromEntries(
      ["core", "engine", "queue", "store"].map((room) => [`@mjflow/${room}`, join(tree, "packages", room, "src")]),
    ),
    nodePaths: [join(root, "node_modules")],
    outfile: join(root, `test/fault/version/${name}.mjs`),
    banner: { js: `// mjflow as of ${sha}, made by freeze.ts. Not to be edited.` },
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

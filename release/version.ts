/**
 * `npm run release -- 0.2.0`: gives the root, all workspaces, the lock file and the changelog a new version. It commits
 * and publishes nothing; docs/releasing.md has the next steps.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./manifest.ts";

const SEMVER = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const UNRELEASED = "## [Unreleased]\n";

interface Versioned {
  version: string;
}

interface Lock extends Versioned {
  packages: Record<string, Versioned>;
}

/** Returns the changelog with the unreleased lines under the version. @throws Error if there are none */
export function releasedChangelog(changelog: string, version: string, date: string): string {
  const [before, after] = changelog.split(UNRELEASED);
  if (before === undefined || after === undefined) throw new Error(`CHANGELOG.md has no line "${UNRELEASED.trim()}".`);
  if (changelog.includes(`## [${version}]`)) throw new Error(`CHANGELOG.md already has the version ${version}.`);
  if (/^\s*(## |$)/.test(after)) throw new Error("CHANGELOG.md has no unreleased changes.");
  return `${before}${UNRELEASED}\n## [${version}] - ${date}\n${after}`;
}

/** Returns the lock file with the version for the root and the workspaces. */
export function releasedLock(lock: Lock, version: string): Lock {
  const packages = Object.entries(lock.packages).map(([path, entry]) => {
    const isOwn = path === "" || path.startsWith("packages/");
    return [path, isOwn ? { ...entry, version } : entry] as const;
  });
  return { ...lock, version, packages: Object.fromEntries(packages) };
}

function main(version: string | undefined): void {
  if (version === undefined || !SEMVER.test(version)) throw new Error("Usage: npm run release -- 0.2.0");
  const git = (...args: string[]) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" });
  if (git("status", "--porcelain").trim() !== "") throw new Error("Commit or remove your changes first.");
  const changelog = join(ROOT, "CHANGELOG.md");
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(changelog, releasedChangelog(readFileSync(changelog, "utf8"), version, date));
  for (const path of git("ls-files", "package.json", "packages/*/package.json").trim().split("\n")) {
    rewrite<Versioned>(path, (manifest) => ({ ...manifest, version }));
  }
  rewrite<Lock>("package-lock.json", (lock) => releasedLock(lock, version));
  console.log(`Everything has the version ${version}. Next: npm run packages:check, then commit and tag v${version}.`);
}

function rewrite<T>(path: string, change: (value: T) => T): void {
  const file = join(ROOT, path);
  writeFileSync(file, `${JSON.stringify(change(JSON.parse(readFileSync(file, "utf8")) as T), undefined, 2)}\n`);
}

if (import.meta.main) {
  try {
    main(process.argv[2]);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

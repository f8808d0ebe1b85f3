/**
 * The memory of the process of the local server. By default V8 gives new objects up to 128 MB and collects them late, which is
 * most of the memory of a busy server (docs/decisions/0099).
 */

/**
 * Flags of V8 for the server. V8 reads them only when a process starts. New objects get twice this size, MB. Much less would cost
 * more CPU, because more objects of the flows in progress would be copied.
 */
export const HEAP_FLAGS: readonly string[] = ["--max-semi-space-size=8"];

/**
 * Replaces this process by one with `HEAP_FLAGS`, under the same process id, and does not return then. It returns if the process
 * has such a flag already, if a parent process is connected by a channel, and on systems that cannot replace a process (Windows).
 */
export function ensureHeapFlags(): void {
  const given = `${process.execArgv.join(" ")} ${process.env["NODE_OPTIONS"] ?? ""}`;
  if (given.includes("semi-space-size") || process.connected || process.execve === undefined) return;
  if (process.platform === "win32") return;
  process.execve(
    process.execPath,
    [process.execPath, ...HEAP_FLAGS, ...process.execArgv, ...process.argv.slice(1)],
    process.env as Record<string, string>,
  );
}

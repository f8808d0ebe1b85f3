/** Parts of the console and of the documentation: files in memory, served with the headers of their site. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join, posix, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { originForm } from "./lambda.ts";

/** Path of a file relative to the site, with `/` → content. */
export type Files = ReadonlyMap<string, Buffer>;

/** Reads all files into memory. A request path is looked up in this map and never in the file system. */
export function readFiles(folder: string): Files {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1).replaceAll(sep, posix.sep), readFileSync(path)];
    }),
  );
}

/** Runs a build in a process of its own. @param module name of the module that builds, for example `@mjflow/docs/build` */
export function runBuild(module: string): Promise<void> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve(module))], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${module} exited with code ${code}`))));
  });
}

/** True if the path is the prefix or below it. */
export function isBelow(prefix: string, path: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`) || path.startsWith(`${prefix}?`);
}

/** The path of a request without query and fragment. */
export function pathOf(request: IncomingMessage): string {
  return originForm(request.url).replace(/[?#].*$/s, "");
}

/**
 * Responds to a request that no file can answer: another method, or the prefix without a slash, which relative links need.
 *
 * @returns true if it has responded
 */
export function respondWithoutFile(
  prefix: string,
  headers: Readonly<Record<string, string>>,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { ...headers, allow: "GET, HEAD" }).end();
    return true;
  }
  if (pathOf(request) !== prefix) return false;
  response.writeHead(308, { ...headers, location: `${prefix}/` }).end();
  return true;
}

export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: Buffer | string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(request.method === "HEAD" ? undefined : body);
}

/**
 * Parts of the console and of the documentation: files in memory, served with the headers of their site. No request builds or
 * compresses anything: a file has its tag when it is read, and its compressed form soon after.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join, posix, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { originForm } from "./lambda.ts";

export interface SiteFile {
  body: Buffer;
  /** Hash of the content, without quotes. */
  tag: string;
  /** Unset until it is compressed, and for a file that does not become smaller. */
  gzip?: Buffer;
}

/** The files of a site by their paths relative to it, with `/`. */
export interface Files {
  has(name: string): boolean;
  get(name: string): SiteFile | undefined;
}

/** Texts. Images and fonts are compressed already. */
const TEXT = /\.(?:css|html|js|json|svg|txt)$/;
const compress = promisify(gzip);

/**
 * Lists the files of a folder. A request path is looked up in this list and never in the file system. A file is read once, by its
 * first visit at the latest. Texts are read and compressed beside the event loop, one after the other.
 */
export function readFiles(folder: string): Files {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1).replaceAll(sep, posix.sep), path];
    }),
  );
  const files = new Map<string, SiteFile>();
  const add = (name: string, body: Buffer): SiteFile => {
    const file = { body, tag: createHash("sha256").update(body).digest("base64url") };
    files.set(name, file);
    return file;
  };
  async function compressTexts(): Promise<void> {
    for (const [name, path] of paths) {
      if (!TEXT.test(name)) continue;
      const file = files.get(name) ?? add(name, await readFile(path));
      const compressed = await compress(file.body, { level: 9 });
      if (compressed.length < file.body.length) file.gzip = compressed;
    }
  }
  // Without its compressed form a file is sent as it is, so an error has no consequence.
  compressTexts().catch(() => {});
  return {
    has: (name) => paths.has(name),
    get(name) {
      const path = paths.get(name);
      return path === undefined ? undefined : (files.get(name) ?? add(name, readFileSync(path)));
    },
  };
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
  return originForm(request.url).split(/[?#]/, 1)[0]!;
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

/** Sends a file, or 304 if the browser has it. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  { body, tag, gzip }: SiteFile,
  headers: Readonly<Record<string, string>>,
): void {
  const isCompressed = gzip !== undefined && acceptsGzip(request);
  const common = { ...headers, etag: `"${tag}${isCompressed ? "-gzip" : ""}"`, vary: "accept-encoding" };
  if (status === 200 && request.headers["if-none-match"]?.includes(tag)) {
    response.writeHead(304, common).end();
    return;
  }
  if (isCompressed) sendText(request, response, status, gzip, { ...common, "content-encoding": "gzip" });
  else sendText(request, response, status, body, common);
}

function acceptsGzip({ headers }: IncomingMessage): boolean {
  const accepted = /\bgzip\b(?:\s*;\s*q=([\d.]+))?/i.exec(headers["accept-encoding"] ?? "");
  return accepted !== null && Number(accepted[1] ?? 1) > 0;
}

/** Sends what is no file of a site. */
export function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: Buffer | string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(request.method === "HEAD" ? undefined : body);
}

/**
 * Serves `/console`: the static site with the headers that the CDN sends. An installed package contains the site. In a
 * clone the console is built at the first visit in a separate process. So a start without a visit costs nothing, and a
 * fresh clone needs no build step.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join, posix, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { DIST, isStale } from "@mjflow/console/build";
import { fileHeaders, siteHeaders } from "@mjflow/console/site";
import { originForm } from "./lambda.ts";

const PREFIX = "/console";
/** The site of an installed package, beside the program. A clone has no such folder. */
const PACKAGED = fileURLToPath(new URL("./console", import.meta.url));
const isPackaged = existsSync(join(PACKAGED, "index.html"));
const [SITE, isOutdated] = isPackaged ? [PACKAGED, () => false] : [DIST, isStale];

type Site = ReadonlyMap<string, Buffer>;

export function isConsole(url: string | undefined): boolean {
  return url === PREFIX || url?.startsWith(`${PREFIX}/`) === true || url?.startsWith(`${PREFIX}?`) === true;
}

/** @param build for tests: replacement of the build that runs if the site is missing or outdated */
export function consoleSite({ dist = SITE, stale = isOutdated, build = runBuild } = {}) {
  let site: Promise<Site> | undefined;

  /** Returns the site, cached for the life of the process. After a failed build the next visit builds again. */
  function files(): Promise<Site> {
    site ??= (async () => {
      if (stale()) await build();
      return readSite(dist);
    })();
    site.catch(() => {
      site = undefined;
    });
    return site;
  }

  return async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = originForm(request.url).replace(/[?#].*$/s, "");
    const headers = siteHeaders({ simulated: true });
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { ...headers, allow: "GET, HEAD" }).end();
      return;
    }
    // Relative links of the page need the trailing slash.
    if (path === PREFIX) {
      response.writeHead(308, { ...headers, location: `${PREFIX}/` }).end();
      return;
    }
    const known = await files().catch(() => undefined);
    if (!known) {
      const text = "The console could not be built. Run `npm run console:build` to see the error.\n";
      response
        .writeHead(503, { ...headers, "content-type": "text/plain; charset=utf-8", "retry-after": "5" })
        .end(text);
      return;
    }
    const name = path.slice(PREFIX.length + 1) || "index.html";
    const body = known.get(name);
    if (!body) {
      response.writeHead(404, { ...headers, "content-type": "text/plain; charset=utf-8" }).end("Not found\n");
      return;
    }
    const { contentType, cacheControl } = fileHeaders(name);
    response.writeHead(200, {
      ...headers,
      "cache-control": cacheControl,
      "content-length": body.length,
      "content-type": contentType,
    });
    response.end(request.method === "HEAD" ? undefined : body);
  };
}

/** Reads all files into memory. A request path is looked up in this map and never in the file system. */
function readSite(dist: string): Site {
  const names = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(dist.length + 1).replaceAll(sep, posix.sep), readFileSync(path)];
    }),
  );
}

function runBuild(): Promise<void> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve("@mjflow/console/build"))], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`the console build exited with code ${code}`)),
    );
  });
}

/**
 * Serves `/console`: the static site with the headers that the CDN sends. An installed package contains the site. In a
 * clone it is built in a separate process, so a fresh clone needs no build step: `prepare` builds it before the first visit,
 * and without `prepare` the first visit does.
 */
import { existsSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DIST, isStale } from "@mjflow/console/build";
import { fileHeaders, siteHeaders } from "@mjflow/console/site";
import {
  type Files,
  isBelow,
  pathOf,
  readFiles,
  respondWithoutFile,
  runBuild,
  sendFile,
  sendText,
} from "./static-site.ts";

const PREFIX = "/console";
/** The site of an installed package, beside the program. A clone has no such folder. */
const PACKAGED = fileURLToPath(new URL("./console", import.meta.url));
const isPackaged = existsSync(join(PACKAGED, "index.html"));
const [SITE, isOutdated] = isPackaged ? [PACKAGED, () => false] : [DIST, isStale];

export function isConsole(path: string): boolean {
  return isBelow(PREFIX, path);
}

/** @param build for tests: replacement of the build that runs if the site is missing or outdated */
export function consoleSite({
  dist = SITE,
  stale = isOutdated,
  build = () => runBuild("@mjflow/console/build"),
  fileOrigins = [],
}: {
  dist?: string;
  stale?: () => boolean;
  build?: () => Promise<void>;
  /** Origins of the links to files, if they are not the page's. */
  fileOrigins?: readonly string[];
} = {}) {
  let site: Promise<Files> | undefined;

  /** Returns the site, cached for the life of the process. After a failed build the next visit builds again. */
  function files(): Promise<Files> {
    site ??= (async () => {
      if (stale()) await build();
      return readFiles(dist);
    })();
    site.catch(() => {
      site = undefined;
    });
    return site;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = siteHeaders({ simulated: true, fileOrigins });
    if (respondWithoutFile(PREFIX, headers, request, response)) return;
    const text = { ...headers, "content-type": "text/plain; charset=utf-8" };
    const known = await files().catch(() => undefined);
    if (!known) {
      const hint = "The console could not be built. Run `npm run console:build` to see the error.\n";
      sendText(request, response, 503, hint, { ...text, "retry-after": "5" });
      return;
    }
    const name = pathOf(request).slice(PREFIX.length + 1) || "index.html";
    const file = known.get(name);
    if (!file) {
      sendText(request, response, 404, "Not found\n", text);
      return;
    }
    const { contentType, cacheControl } = fileHeaders(name);
    sendFile(request, response, 200, file, { ...headers, "content-type": contentType, "cache-control": cacheControl });
  }

  /** Builds and reads the site, so that the first visit does not wait. The build prints why it fails. */
  async function prepare(): Promise<void> {
    await files().catch(() => {});
  }

  return Object.assign(serve, { prepare });
}

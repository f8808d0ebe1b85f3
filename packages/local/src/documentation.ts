/**
 * Serves `/docs`: the documentation site. An installed package contains it. In a clone it is built in a separate process, which
 * takes some seconds: `prepare` builds it before the first visit, and without `prepare` the first visit does. A visitor who comes
 * too early sees a page that says so, or the site of the build before.
 *
 * `/docs/api`, the API reference, is a file of the site with a policy of its own, and so are `/openapi.json` and `/llms.txt`. Without
 * a site, for example because its build fails, the API answers all of them, as in a deployment. It then renders the reference at its
 * first request.
 */
import { existsSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileHeaders, securityHeaders } from "@mjflow/console/site";
import { DIST, isStale } from "@mjflow/docs/location";
import { POLICY_FILE, policyOf, REFERENCE_FILE, REFERENCE_POLICY_FILE, REFERENCE_TEXTS } from "@mjflow/docs/site";
import { originForm } from "./lambda.ts";
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

const PREFIX = "/docs";
/** Served by the API while the site is missing. */
const REFERENCE = `${PREFIX}/api`;
/** The site of an installed package, beside the program. A clone has no such folder. */
const PACKAGED = fileURLToPath(new URL("./docs", import.meta.url));
const isPackaged = existsSync(join(PACKAGED, POLICY_FILE));
const [SITE, isOutdated] = isPackaged ? [PACKAGED, () => false] : [DIST, isStale];

/** Seconds until a browser asks again for a site that is being built. */
const REFRESH_S = 2;
const BUILDING = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>mjflow documentation</title></head>
<body>
<main>
<h1>The documentation is being built</h1>
<p>This takes some seconds after an installation or a change. The page appears by itself.</p>
<p>Meanwhile: <a href="${REFERENCE}">the API reference</a>.</p>
</main>
</body>
</html>
`;

const TEXT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** True if the site answers this path, provided that it is built. */
export function isDocumentation(path: string): boolean {
  return isBelow(PREFIX, path) || REFERENCE_TEXTS.some((name) => isBelow(`/${name}`, path));
}

/** @param build for tests: replacement of the build that runs if the site is missing or outdated */
export function documentationSite({
  dist = SITE,
  stale = isOutdated,
  build = () => runBuild("@mjflow/docs/build"),
}: {
  dist?: string;
  stale?: () => boolean;
  build?: () => Promise<void>;
} = {}) {
  let files: Files | undefined;
  let isLoaded = false;
  let isBuilding = false;
  /** True if the site is of this version. */
  let isCurrent = false;

  function load(): void {
    if (existsSync(join(dist, POLICY_FILE))) files = readFiles(dist);
  }

  /** Reads the site, and builds it if it is missing or outdated. The build prints why it fails; then the API answers. */
  async function prepare(): Promise<void> {
    if (isLoaded) return;
    isLoaded = true;
    load();
    isCurrent = !stale();
    if (isCurrent) return;
    isBuilding = true;
    await build()
      .then(() => {
        load();
        isCurrent = true;
      })
      .catch(() => {})
      .finally(() => {
        isBuilding = false;
      });
  }

  /** A program that reads the reference needs no site, so it starts no build. @returns false if the API has to answer */
  function serveText(request: IncomingMessage, response: ServerResponse, name: string): boolean {
    if (isPackaged) void prepare();
    const file = isCurrent ? files?.get(name) : undefined;
    if (!file || (request.method !== "GET" && request.method !== "HEAD")) return false;
    const isJson = name.endsWith(".json");
    sendFile(request, response, 200, file, {
      ...securityHeaders(TEXT_POLICY),
      "content-type": isJson ? "application/json" : "text/plain; charset=utf-8",
      "cache-control": "public, max-age=300",
      // As the API: tools on other websites read the document.
      ...(isJson && { "access-control-allow-origin": "*" }),
    });
    return true;
  }

  /** @returns false if the API has to answer, because there is no site */
  function serve(request: IncomingMessage, response: ServerResponse): boolean {
    const text = REFERENCE_TEXTS.find((name) => pathOf(request) === `/${name}`);
    if (text !== undefined) return serveText(request, response, text);
    if (!isBelow(PREFIX, originForm(request.url))) return false;
    void prepare();
    const isReference = isBelow(REFERENCE, originForm(request.url));
    if (isReference ? !files?.has(REFERENCE_FILE) : files === undefined && !isBuilding) return false;
    const policy = files?.get(isReference ? REFERENCE_POLICY_FILE : POLICY_FILE)?.body.toString();
    const headers = securityHeaders(policy ?? policyOf([]));
    if (respondWithoutFile(PREFIX, headers, request, response)) return true;
    if (files === undefined) {
      const wait = {
        "content-type": "text/html; charset=utf-8",
        refresh: String(REFRESH_S),
        "retry-after": String(REFRESH_S),
      };
      sendText(request, response, 503, BUILDING, { ...headers, ...wait });
      return true;
    }
    const path = decoded(pathOf(request).slice(PREFIX.length + 1));
    // Links to pages may leave out the ending: the `type` of a problem does.
    const folder = path === "" ? "" : path.replace(/\/?$/, "/");
    const known = files;
    const name = [path, `${path}.html`, `${folder}index.html`].find((each) => known.has(each));
    const { contentType, cacheControl } = fileHeaders(name ?? "404.html");
    const sent = { ...headers, "content-type": contentType, "cache-control": cacheControl };
    const file = files.get(name ?? "404.html");
    if (file) sendFile(request, response, name === undefined ? 404 : 200, file, sent);
    else sendText(request, response, 404, "Not found\n", sent);
    return true;
  }

  return Object.assign(serve, { prepare });
}

/** A path that is not valid percent-encoding is the name of no file. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

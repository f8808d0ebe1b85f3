/** All pages of the site as Markdown, and the files that they link to. */
import { fileURLToPath } from "node:url";
import document from "../../../docs/openapi.json" with { type: "json" };
import { textOf } from "../../../functions/http/openapi/text.ts";
import { errorPages } from "./errors.ts";
import { HOME } from "./home.ts";
import { SECTIONS } from "./nav.ts";
import { API, pathOfTag, referencePages } from "./reference.ts";
import { pageOf, type Site } from "./source.ts";
import { otherPages } from "./tracked.ts";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export interface SiteSource {
  /** Paths of the documents in the repository. */
  sources: readonly string[];
  /** Path in the site with `.md` → Markdown. */
  pages: ReadonlyMap<string, string>;
  /** Path in the site → path in the repository. */
  files: ReadonlyMap<string, string>;
  /** Path in the site → text. */
  texts: ReadonlyMap<string, string>;
}

/** Documents with a place in the menu, and those that they link to. */
function documents(isForUsers: boolean): Map<string, string> {
  const inMenu = SECTIONS.flatMap(({ pages }) => pages).map(({ path, source }) => [source, path] as const);
  return new Map([...(isForUsers ? [] : otherPages(ROOT)), ...inMenu, ["README.md", "index"] as const]);
}

/**
 * @param isForUsers true to leave out decisions and the READMEs of internal packages
 * @throws Error if a document links to something that does not exist
 */
export function sitePages(isForUsers = false): SiteSource {
  const site: Site = { pages: documents(isForUsers), files: new Map(), images: new Map() };
  const pages = new Map<string, string>();
  for (const [source, path] of site.pages) {
    if (source === "README.md") continue;
    // The menu is most of a short page. There are many decisions, and they are read one by one.
    const head = path.startsWith("decisions/") ? "---\nsidebar: false\n---\n\n" : "";
    pages.set(`${path}.md`, `${head}${pageOf(ROOT, source, site)}`);
  }
  pages.set("index.md", HOME);
  for (const [path, text] of [...errorPages(), ...referencePages()]) pages.set(`${path}.md`, text);
  return {
    sources: [...site.pages.keys()],
    pages,
    files: new Map([...site.files, ...site.images]),
    texts: new Map([
      ["llms.txt", textOf(API)],
      ["openapi.json", JSON.stringify(document)],
    ]),
  };
}

interface MenuItem {
  text: string;
  link?: string;
  items?: MenuItem[];
}

/** Returns the menus beside the pages, by the folder of the page. @param titleOf heading of a page, by its path in the site */
export function menus(titleOf: (path: string) => string): Record<string, MenuItem[]> {
  const item = (path: string, title = titleOf(path)): MenuItem => ({
    text: title,
    link: `/${path.replace(/(^|\/)index$/, "$1")}`,
  });
  const guides = SECTIONS.map(({ title, pages }) => ({
    text: title,
    items: pages.map(({ path, title: text }) => item(path, text)),
  }));
  const reference = [
    item("reference/index", "Introduction"),
    ...API.tags.map((tag) => item(pathOfTag(tag), tag.name)),
    item("reference/schemas", "Schemas"),
  ];
  const errors = [...errorPages().keys()].map((path) => item(path, path === "errors/index" ? "Overview" : undefined));
  return {
    "/reference/": [{ text: "API reference", items: reference }],
    "/errors/": [{ text: "Errors", items: errors }],
    "/": guides,
  };
}

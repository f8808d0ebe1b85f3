/**
 * Routes of the pages. A route is the part of the URL after the #. Any static host can serve the console, and no server logs
 * the route. Filters and the selection are in the query of the route, so that a link and Back restore them.
 */
export type Page = "gallery" | "flows" | "create" | "deliveries" | "health" | "settings";
export type Query = Readonly<Record<string, string>>;

export type Route =
  | { page: Page; section?: string | undefined; query: Query }
  | { page: "flow"; id: string; task: string | undefined; query: Query };

/** The pages in the order of the navigation, with their icons. */
export const PAGE_ICONS: Readonly<Record<Page, string>> = {
  create: "sparkles",
  gallery: "images",
  flows: "workflow",
  deliveries: "send",
  health: "activity",
  settings: "settings",
};

/** The key after `g` that opens a page. */
export const GO_KEYS: Readonly<Record<Page, string>> = {
  create: "c",
  gallery: "g",
  flows: "f",
  deliveries: "d",
  health: "h",
  settings: "s",
};

/** Pages about the whole deployment. With the key of an app nothing leads to them. */
const OPERATOR_PAGES: ReadonlySet<Page> = new Set(["health"]);

/** Returns the pages that the navigation shows, with their icons. */
export function pagesFor(isOperator: boolean): readonly (readonly [Page, string])[] {
  const all = Object.entries(PAGE_ICONS) as [Page, string][];
  return all.filter(([page]) => isOperator || !OPERATOR_PAGES.has(page));
}

export function routeOf(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2) as [string, string?];
  const query = Object.fromEntries(new URLSearchParams(search));
  const [page = "", id, task] = path.split("/").map(decoded);
  if (page === "flows" && id) return { page: "flow", id, task: task || undefined, query };
  // The name of the page in links of earlier versions.
  if (page === "new") return { page: "create", query };
  if (!Object.hasOwn(PAGE_ICONS, page)) return { page: "gallery", query };
  return { page: page as Page, ...(id && { section: id }), query };
}

export function hrefOf(route: { page: Page; section?: string; query?: Query } | FlowRoute): string {
  const parts =
    route.page === "flow"
      ? ["flows", route.id, ...(route.task ? [route.task] : [])]
      : [route.page, ...(route.section ? [route.section] : [])];
  const search = new URLSearchParams(Object.entries(route.query ?? {}).filter(([, value]) => value !== "")).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${search && `?${search}`}`;
}

/** Returns the secret of a sign-in link; undefined for every other route. */
export function signInLinkOf(hash: string): string | undefined {
  return /^#\/sign-in\/(mjl_\w+)$/.exec(hash)?.[1];
}

/** Returns the text of a share link, whole or not; undefined for every other route. */
export function shareLinkOf(hash: string): string | undefined {
  return /^#\/share\/([^?]*)/.exec(hash)?.[1];
}

export interface FlowRoute {
  page: "flow";
  id: string;
  task?: string | undefined;
  query?: Query;
}

/** Returns the route with these fields of the query changed. An empty text removes a field. */
export function withQuery(hash: string, changes: Query): string {
  const [path = "", search = ""] = hash.split("?", 2);
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return text === "" ? path || "#/" : `${path || "#/"}?${text}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

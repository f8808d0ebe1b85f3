/** Which page: behind the #, so that any static host can serve the console, and nothing of it reaches a server's log. */
export type Route =
  | { page: "flows" }
  | { page: "new" }
  | { page: "flow"; id: string; task: string | undefined }
  | { page: "deliveries" }
  | { page: "health" };

export function routeOf(hash: string): Route {
  const [page, id, task] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (page === "flows" && id) return { page: "flow", id, task: task || undefined };
  if (page === "new" || page === "deliveries" || page === "health") return { page };
  return { page: "flows" };
}

export function hrefOf(route: Route): string {
  if (route.page !== "flow") return `#/${route.page}`;
  const parts = ["flows", route.id, ...(route.task ? [route.task] : [])];
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

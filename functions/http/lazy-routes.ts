/** Routes whose code is loaded with their first request, so that a cold start reads only what its request needs. */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { AppEnv } from "./env.ts";

/**
 * Registers the routes of a group without loading it. Each request to one of them loads the group, if it is the first one, and calls
 * the group's own handlers of this route.
 *
 * @param load loads the group
 * @param routes the routes of the group, for example `GET /:id`, in its order. `test/api/lazy-routes.test.ts` compares them with it
 */
export function lazyRoutes(load: () => Promise<Hono<AppEnv>>, routes: readonly string[]): Hono<AppEnv> {
  const group = new Hono<AppEnv>();
  for (const route of routes) {
    const [method = "", path = ""] = route.split(" ");
    group.on(method, path, async (c) => {
      const { routes } = await load();
      const handlers = routes.filter((each) => each.method === method && each.path === path);
      return (await callInOrder(
        c,
        handlers.map(({ handler }) => handler as MiddlewareHandler<AppEnv>),
      ))!;
    });
  }
  return group;
}

/** Each handler responds, or calls the next one and returns nothing. */
async function callInOrder(
  c: Context<AppEnv>,
  [first, ...rest]: readonly MiddlewareHandler<AppEnv>[],
): Promise<Response | undefined> {
  let response: Response | undefined;
  const returned = await first?.(c, async () => {
    response = await callInOrder(c, rest);
  });
  return returned ?? response;
}

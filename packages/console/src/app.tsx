/** The session of the user and the routing between pages. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useHash } from "./hooks.ts";
import { hrefOf, type Route, routeOf } from "./lib/route.ts";
import { DeliveriesPage } from "./pages/deliveries.tsx";
import { FlowPage } from "./pages/flow.tsx";
import { FlowsPage } from "./pages/flows.tsx";
import { HealthPage } from "./pages/health.tsx";
import { NewPage } from "./pages/new.tsx";
import { SignIn } from "./pages/sign-in.tsx";
import { clearApiKey, clientFor, SessionContext, storeApiKey, storedApiKey } from "./session.ts";

const LINKS: [Route, string][] = [
  [{ page: "flows" }, "Flows"],
  [{ page: "new" }, "New flow"],
  [{ page: "deliveries" }, "Deliveries"],
  [{ page: "health" }, "Health"],
];
const TITLES: Record<Route["page"], string> = {
  flows: "Flows",
  flow: "Flow",
  new: "New flow",
  deliveries: "Deliveries",
  health: "Health",
};

export function App() {
  const [key, setKey] = useState(storedApiKey);
  const queries = useQueryClient();
  const session = useMemo(
    () =>
      key === undefined
        ? undefined
        : {
            mjflow: clientFor(key),
            signOut() {
              clearApiKey();
              // The next key must not see this key's cached data.
              queries.clear();
              setKey(undefined);
            },
          },
    [key, queries],
  );
  if (!session) {
    const signIn = (entered: string) => {
      storeApiKey(entered);
      setKey(entered);
    };
    return <SignIn onKey={signIn} />;
  }
  return (
    <SessionContext value={session}>
      <Shell signOut={session.signOut} />
    </SessionContext>
  );
}

function Shell({ signOut }: { signOut: () => void }) {
  const route = routeOf(useHash());
  const main = useRef<HTMLElement>(null);
  const pageKey = route.page === "flow" ? `flow ${route.id}` : route.page;
  const isFirst = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page moves focus and scroll position to its start
  useEffect(() => {
    document.title = `${TITLES[route.page]} · mjflow`;
    if (isFirst.current) isFirst.current = false;
    else {
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
  }, [pageKey]);
  return (
    <>
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header className="bar">
        <a className="brand" href={hrefOf({ page: "flows" })}>
          <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
            <rect width="32" height="32" rx="7" />
            <path d="M9 16h6m0 0c4 0 2-6 8-6m-8 6c4 0 2 6 8 6" />
          </svg>
          mjflow
        </a>
        <nav aria-label="Pages">
          {LINKS.map(([to, name]) => {
            const isCurrent = to.page === route.page || (to.page === "flows" && route.page === "flow");
            return (
              <a key={name} href={hrefOf(to)} aria-current={isCurrent ? "page" : undefined}>
                {name}
              </a>
            );
          })}
        </nav>
        <button type="button" className="quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main ref={main} id="main" tabIndex={-1}>
        <Page route={route} />
      </main>
    </>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "flow":
      return <FlowPage key={route.id} id={route.id} task={route.task} />;
    case "new":
      return <NewPage />;
    case "deliveries":
      return <DeliveriesPage />;
    case "health":
      return <HealthPage />;
    default:
      return <FlowsPage />;
  }
}

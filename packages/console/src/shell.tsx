/** What is around every page: the navigation, the state of the connection, and where the focus goes. */
import { type ReactNode, useEffect, useRef } from "react";
import { ShortcutKeys } from "./components/shortcut-keys.tsx";
import { cancelLimited, useConnection } from "./connection.ts";
import { useMedia, useNow } from "./hooks.ts";
import { Icon } from "./kit/icon.tsx";
import { hrefOf, type Page, type Route } from "./lib/route.ts";
import { clock } from "./lib/time.ts";
import { useRunningCount } from "./queries.ts";
import { useSession } from "./session.ts";

interface Link {
  page: Page;
  icon: string;
  name: string;
}

const LINKS: readonly Link[] = [
  { page: "create", icon: "sparkles", name: "Create" },
  { page: "gallery", icon: "images", name: "Gallery" },
  { page: "flows", icon: "workflow", name: "Flows" },
  { page: "deliveries", icon: "send", name: "Deliveries" },
  { page: "health", icon: "activity", name: "Health" },
  { page: "settings", icon: "settings", name: "Settings" },
];
const TITLES: Record<Route["page"], string> = {
  gallery: "Gallery",
  flows: "Flows",
  flow: "Flow",
  create: "Create",
  deliveries: "Deliveries",
  health: "Health",
  settings: "Settings",
};

export function Shell({ route, children }: { route: Route; children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  useNewPage(route, main);
  const isSlim = useMedia("(max-width: 1100px)") || route.page === "flow";
  const { signOut } = useSession();
  return (
    <>
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <div className={isSlim ? "app slim" : "app"}>
        <div className="rail">
          <a className="brand" href={hrefOf({ page: "gallery" })}>
            <Mark />
            <span className="name">mjflow</span>
          </a>
          <nav aria-label="Pages">
            {LINKS.map((link) => (
              <NavLink key={link.page} {...link} route={route} />
            ))}
          </nav>
          <div className="end">
            <button type="button" onClick={signOut} title="Sign out">
              <Icon name="log-out" size="large" />
              <span className="name">Sign out</span>
            </button>
          </div>
        </div>
        <main ref={main} id="main" tabIndex={-1}>
          <ConnectionBanner />
          {children}
        </main>
      </div>
      <ShortcutKeys />
      <nav className="tabbar" aria-label="Pages, phone">
        {LINKS.map((link) => (
          <NavLink key={link.page} {...link} route={route} />
        ))}
      </nav>
    </>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M9 16h6m0 0c4 0 2-6 8-6m-8 6c4 0 2 6 8 6" />
    </svg>
  );
}

function NavLink({ page, icon, name, route }: Link & { route: Route }) {
  const isCurrent = page === route.page || (page === "flows" && route.page === "flow");
  return (
    <a href={hrefOf({ page })} aria-current={isCurrent ? "page" : undefined} title={name}>
      <Icon name={icon} size="large" />
      <span className="name">{name}</span>
      {page === "flows" && <RunningBadge />}
    </a>
  );
}

function RunningBadge() {
  const count = useRunningCount();
  return count ? <span className="badge">{count} live</span> : null;
}

/** A lost connection, and a request that waits for a rate limit. */
function ConnectionBanner() {
  const { lostSince, limitedUntil } = useConnection();
  const now = useNow(1_000);
  if (lostSince !== undefined)
    return (
      <p className="banner" role="alert">
        <Icon name="triangle-alert" />
        The server does not respond since {clock(new Date(lostSince).toISOString())}. The page shows what it knew then.
      </p>
    );
  if (limitedUntil === undefined) return null;
  return (
    <p className="banner" role="alert">
      <Icon name="clock" />
      Rate limit: your request is sent in {Math.max(0, Math.ceil((limitedUntil - now) / 1_000))} s.
      <button type="button" onClick={cancelLimited}>
        Cancel
      </button>
    </p>
  );
}

/** A new page gets a title, begins at its top and has the focus. */
function useNewPage(route: Route, main: React.RefObject<HTMLElement | null>): void {
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
}

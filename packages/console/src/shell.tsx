/** What is around every page: the navigation, the state of the connection, and where the focus goes. */
import { useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactNode, useEffect, useRef, useState } from "react";
import { type OpenedByKey, ShortcutKeys } from "./components/shortcut-keys.tsx";
import { cancelLimited, secondsUntil, useConnection } from "./connection.ts";
import { useMedia, useNow } from "./hooks.ts";
import { Icon } from "./kit/icon.tsx";
import { Mark } from "./kit/mark.tsx";
import { Part } from "./kit/part.tsx";
import { hrefOf, type Page, pagesFor, type Route } from "./lib/route.ts";
import { clock } from "./lib/time.ts";
import { useIsOperator, useRunningCount } from "./queries.ts";
import { useSession } from "./session.ts";
import { t } from "./text/text.ts";

/** The figures of the navigation are read after the page: its pictures come first. */
const figures = () => import("./components/rail-figures.tsx");
const SpendMeter = lazy(() => figures().then(({ SpendMeter: component }) => ({ default: component })));
const FailingBadge = lazy(() => figures().then(({ FailingBadge: component }) => ({ default: component })));

export function Shell({ route, children }: { route: Route; children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  useNewPage(route, main);
  const isSlim = useMedia("(max-width: 1100px)") || route.page === "flow";
  const { signOut } = useSession();
  const links = pagesFor(useIsOperator());
  const [open, setOpen] = useState<OpenedByKey>();
  const isIdle = useIdle();
  return (
    <>
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        {t.shell.skip}
      </button>
      <div className={isSlim ? "app slim" : "app"}>
        <div className="rail">
          <a className="brand" href={hrefOf({ page: "gallery" })}>
            <Mark />
            <span className="name">mjflow</span>
          </a>
          <button
            type="button"
            className="jump"
            onClick={() => setOpen("palette")}
            title={`${t.shell.commands} (Ctrl K)`}
          >
            <Icon name="search" size="large" />
            <span className="name">{t.shell.jump}</span>
            <kbd>Ctrl K</kbd>
          </button>
          <nav aria-label={t.shell.pages}>
            {links.map(([page, icon]) => (
              <NavLink key={page} page={page} icon={icon} route={route} isIdle={isIdle} />
            ))}
          </nav>
          <div className="end">
            <Part>{isIdle && !isSlim && <SpendMeter />}</Part>
            <button type="button" onClick={signOut} title={t.shell.signOut}>
              <Icon name="log-out" size="large" />
              <span className="name">{t.shell.signOut}</span>
            </button>
          </div>
        </div>
        <main ref={main} id="main" tabIndex={-1}>
          <ConnectionBanner />
          {children}
        </main>
      </div>
      <ShortcutKeys open={open} onOpen={setOpen} />
      <nav className="tabbar" aria-label={t.shell.pagesPhone}>
        {links.map(([page, icon]) => (
          <NavLink key={page} page={page} icon={icon} route={route} isIdle={isIdle} />
        ))}
      </nav>
    </>
  );
}

function NavLink(props: { page: Page; icon: string; route: Route; isIdle: boolean }) {
  const { page, icon, route, isIdle } = props;
  const name = t.pages[page];
  const isCurrent = page === route.page || (page === "flows" && route.page === "flow");
  return (
    <a href={hrefOf({ page })} aria-current={isCurrent ? "page" : undefined} title={name}>
      <Icon name={icon} size="large" />
      <span className="name">{name}</span>
      {page === "flows" && <RunningBadge />}
      <Part>{page === "deliveries" && isIdle && <FailingBadge />}</Part>
    </a>
  );
}

function RunningBadge() {
  const count = useRunningCount();
  return count ? <span className="badge">{t.shell.live(count)}</span> : null;
}

/** Returns true when the page has its data and the browser has nothing to do. */
function useIdle(): boolean {
  const queries = useQueryClient();
  const [isIdle, setIdle] = useState(false);
  useEffect(() => {
    let check: ReturnType<typeof setTimeout>;
    // Safari has no `requestIdleCallback`.
    const whenIdle = window.requestIdleCallback ?? ((call: () => void) => setTimeout(call, 500));
    const look = () => {
      // Without a title the code of the page is still loading.
      if (queries.isFetching() > 0 || !document.querySelector("main h1")) check = setTimeout(look, 250);
      else whenIdle(() => setIdle(true));
    };
    look();
    return () => clearTimeout(check);
  }, [queries]);
  return isIdle;
}

/** A lost connection, and a request that waits for a rate limit. */
function ConnectionBanner() {
  const { lostSince, limitedUntil } = useConnection();
  const now = useNow(1_000);
  if (lostSince !== undefined)
    return (
      <p className="banner" role="alert">
        <Icon name="triangle-alert" />
        {t.shell.lost(clock(new Date(lostSince).toISOString()))}
      </p>
    );
  if (limitedUntil === undefined) return null;
  return (
    <p className="banner" role="alert">
      <Icon name="clock" />
      {t.shell.limited(secondsUntil(limitedUntil, now))}
      <button type="button" onClick={cancelLimited}>
        {t.common.cancel}
      </button>
    </p>
  );
}

/** Needed only when the user scrolls or leaves a page, so it is no part of the first view. */
const place = import("./scroll-place.ts");

/** A new page gets a title, begins at its top and has the focus. With Back and Forward a page is shown where it was. */
function useNewPage(route: Route, main: React.RefObject<HTMLElement | null>): void {
  const pageKey = route.page === "flow" ? `flow ${route.id}` : route.page;
  const isFirst = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page moves focus and scroll position to its start
  useEffect(() => {
    document.title = `${t.pages[route.page]} · mjflow`;
    if (isFirst.current) isFirst.current = false;
    else {
      void place.then(({ restorePlace }) => restorePlace());
      main.current?.focus({ preventScroll: true });
    }
  }, [pageKey]);
  useEffect(() => void place.then(({ keepPlaces }) => keepPlaces()), []);
}

/** The session of the user and the pages. A page is loaded when it is opened. */
import { isMjflowError } from "@mjflow/client";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { useHash } from "./hooks.ts";
import { ConfirmProvider } from "./kit/confirm.tsx";
import { ToastProvider } from "./kit/toast.tsx";
import { type Route, routeOf } from "./lib/route.ts";
import {
  clearApiKey,
  clientFor,
  onKeyOfOtherTab,
  type Session,
  SessionContext,
  storeApiKey,
  storedApiKey,
} from "./session.ts";
import { Shell } from "./shell.tsx";

const SignIn = lazy(() => import("./pages/sign-in.tsx").then(({ SignIn: page }) => ({ default: page })));
const GalleryPage = lazy(() => import("./pages/gallery.tsx"));
const FlowsPage = lazy(() => import("./pages/flows.tsx"));
const FlowPage = lazy(() => import("./pages/flow.tsx"));
const CreatePage = lazy(() => import("./pages/create.tsx"));
const DeliveriesPage = lazy(() => import("./pages/deliveries.tsx"));
const SettingsPage = lazy(() => import("./pages/settings.tsx"));
const HealthPage = lazy(() => import("./pages/health.tsx"));

export function App() {
  const [key, setKey] = useState(storedApiKey);
  const [isRevoked, setRevoked] = useState(false);
  const queries = useQueryClient();
  const forget = useCallback(() => {
    clearApiKey();
    // The next key must not see this key's cached data.
    queries.clear();
    setKey(undefined);
  }, [queries]);
  const session = useMemo<Session | undefined>(
    () => (key === undefined ? undefined : { mjflow: clientFor(key), signOut: forget }),
    [key, forget],
  );
  useEffect(() => onKeyOfOtherTab(() => setKey(storedApiKey())), []);
  // A key that was valid and is not any more: back to the sign-in. Drafts are in the session storage and stay.
  useEffect(
    () =>
      queries.getQueryCache().subscribe(({ query }) => {
        const { error } = query.state;
        if (!isMjflowError(error) || error.status !== 401) return;
        setRevoked(true);
        forget();
      }),
    [queries, forget],
  );
  if (!session) {
    const signIn = (entered: string, staysSignedIn: boolean) => {
      storeApiKey(entered, staysSignedIn);
      setRevoked(false);
      setKey(entered);
    };
    return (
      <Suspense fallback={null}>
        <SignIn onKey={signIn} isRevoked={isRevoked} />
      </Suspense>
    );
  }
  return (
    <SessionContext value={session}>
      <ToastProvider>
        <ConfirmProvider>
          <Pages />
        </ConfirmProvider>
      </ToastProvider>
    </SessionContext>
  );
}

function Pages() {
  const route = routeOf(useHash());
  return (
    <Shell route={route}>
      <Suspense fallback={null}>
        <PageOf route={route} />
      </Suspense>
    </Shell>
  );
}

function PageOf({ route }: { route: Route }) {
  switch (route.page) {
    case "flow":
      return <FlowPage key={route.id} route={route} />;
    case "flows":
      return <FlowsPage query={route.query} />;
    case "create":
      return <CreatePage key={route.query["from"] ?? ""} query={route.query} />;
    case "deliveries":
      return <DeliveriesPage query={route.query} />;
    case "settings":
      return <SettingsPage section={route.section} />;
    case "health":
      return <HealthPage />;
    default:
      return <GalleryPage query={route.query} />;
  }
}

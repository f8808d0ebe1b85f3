/** The session of the user and the pages. A page is loaded when it is opened. */
import { isMjflowError, type MjflowError } from "@mjflow/client";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, useCallback, useEffect, useMemo, useState } from "react";
import { Problem } from "./components/problem.tsx";
import { useHash } from "./hooks.ts";
import { ConfirmProvider } from "./kit/confirm.tsx";
import { Part } from "./kit/part.tsx";
import { ToastProvider } from "./kit/toast.tsx";
import { type Route, routeOf, signInLinkOf } from "./lib/route.ts";
import { toMjflowError } from "./queries.ts";
import { currentSession, endSession, onOtherTab, type Session, SessionContext, type SignedIn } from "./session.ts";
import { Shell } from "./shell.tsx";

const SignIn = lazy(() => import("./pages/sign-in.tsx").then(({ SignIn: page }) => ({ default: page })));
const GalleryPage = lazy(() => import("./pages/gallery.tsx"));
const FlowsPage = lazy(() => import("./pages/flows.tsx"));
const FlowPage = lazy(() => import("./pages/flow.tsx"));
const CreatePage = lazy(() => import("./pages/create.tsx"));
const DeliveriesPage = lazy(() => import("./pages/deliveries.tsx"));
const SettingsPage = lazy(() => import("./pages/settings.tsx"));
const HealthPage = lazy(() => import("./pages/health.tsx"));

/** What is known about the session. `loading`: the server is asked. */
type State =
  | { kind: "loading" | "signed out" | "ended" }
  | { kind: "failed"; error: MjflowError }
  | ({ kind: "signed in" } & SignedIn);

export function App() {
  const [state, setState] = useState<State>({ kind: "loading" });
  const queries = useQueryClient();
  const read = useCallback(async () => {
    try {
      const found = await currentSession();
      setState(found ? { kind: "signed in", ...found } : { kind: "signed out" });
    } catch (error) {
      setState({ kind: "failed", error: toMjflowError(error) });
    }
  }, []);
  useEffect(() => {
    void read();
    return onOtherTab(() => void read());
  }, [read]);
  const session = useMemo<Session | undefined>(() => {
    if (state.kind !== "signed in") return undefined;
    const signOut = async () => {
      await endSession(state);
      // The next user must not see cached data of this one.
      queries.clear();
      setState({ kind: "signed out" });
    };
    return { ...state, signOut: () => void signOut() };
  }, [state, queries]);
  // The session or its key has ended: back to the sign-in. The address stays, and drafts are in the session storage.
  useEffect(
    () =>
      queries.getQueryCache().subscribe(({ query }) => {
        const { error } = query.state;
        if (!isMjflowError(error) || error.status !== 401) return;
        queries.clear();
        setState({ kind: "ended" });
      }),
    [queries],
  );
  const link = signInLinkOf(useHash());
  if (state.kind === "loading") return null;
  if (!session || link !== undefined) {
    const signIn = (signedIn: SignedIn) => {
      queries.clear();
      // The secret of a link must not stay in the address or in the history.
      if (link !== undefined) history.replaceState(null, "", "#/");
      setState({ kind: "signed in", ...signedIn });
    };
    const failed = state.kind === "failed" ? state.error : undefined;
    return (
      <Part>
        <SignIn key={link ?? ""} onSignIn={signIn} link={link} hasEnded={state.kind === "ended"} failed={failed} />
      </Part>
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
      <Part key={route.page} failed={(error) => <Problem error={toMjflowError(error)} />}>
        <PageOf route={route} />
      </Part>
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

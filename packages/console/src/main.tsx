import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { useHash } from "./hooks.ts";
import { Part } from "./kit/part.tsx";
import { shareLinkOf } from "./lib/route.ts";
import { applyTheme } from "./preference.ts";
import { applyLanguage, useLanguage } from "./text/text.ts";

applyTheme();
// A page in the wrong language for a moment would be read aloud in it.
await applyLanguage();

// The client already retries the requests that are safe to retry. A second layer would only hide an outage longer.
const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 2_000 } } });

const SharedPage = lazy(() => import("./pages/shared.tsx"));

/** A page of another language is a new page: every text is read again, and the cached data stay. */
function Console() {
  const language = useLanguage();
  const link = shareLinkOf(useHash());
  // A viewer of a share link has no session, and a user who has one does not need it there.
  if (link === undefined) return <App key={language} />;
  return (
    <Part>
      <SharedPage key={`${language} ${link}`} link={link} />
    </Part>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Console />
    </QueryClientProvider>
  </StrictMode>,
);

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { applyTheme } from "./preference.ts";
import { applyLanguage, useLanguage } from "./text/text.ts";

applyTheme();
// A page in the wrong language for a moment would be read aloud in it.
await applyLanguage();

// The client already retries the requests that are safe to retry. A second layer would only hide an outage longer.
const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 2_000 } } });

/** A page of another language is a new page: every text is read again, and the cached data stay. */
function Console() {
  return <App key={useLanguage()} />;
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Console />
    </QueryClientProvider>
  </StrictMode>,
);

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { applyTheme } from "./preference.ts";

applyTheme();

// The client already retries the requests that are safe to retry. A second layer would only hide an outage longer.
const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 2_000 } } });

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);

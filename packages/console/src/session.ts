/** The key: asked for once, kept for this tab until it is closed, and nowhere else. */
import { Mjflow } from "@mjflow/client";
import { createContext, useContext } from "react";

const NAME = "mjflow.key";

export function storedApiKey(): string | undefined {
  return sessionStorage.getItem(NAME) ?? undefined;
}

export function storeApiKey(key: string): void {
  sessionStorage.setItem(NAME, key);
}

export function clearApiKey(): void {
  sessionStorage.removeItem(NAME);
}

/** The API is where the page is, unless the page says otherwise (`site.ts`). */
export function apiUrl(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="mjflow-api"]')?.content || location.origin;
}

/** @throws MjflowError invalid_argument for text that can be no key */
export function clientFor(apiKey: string): Mjflow {
  return new Mjflow({ baseUrl: apiUrl(), apiKey });
}

export interface Session {
  mjflow: Mjflow;
  signOut(): void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useMjflow(): Mjflow {
  const session = useContext(SessionContext);
  if (!session) throw new Error("no session above this component");
  return session.mjflow;
}

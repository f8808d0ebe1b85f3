/** The API key. The user enters it once. The session storage of this tab holds it until the tab closes. */
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

/** Returns the API's address: the page's origin, unless the page names another one (`site.ts`). */
export function apiUrl(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="mjflow-api"]')?.content || location.origin;
}

/** @throws MjflowError `invalid_argument` if the text cannot be an API key */
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
  if (!session) throw new Error("SessionContext has no value above this component");
  return session.mjflow;
}

/**
 * The API key. The user enters it once. The session storage of this tab holds it until the tab closes. If the user wants to stay
 * signed in, the local storage of this browser holds it until the user signs out.
 */
import { Mjflow } from "@mjflow/client";
import { createContext, useContext } from "react";
import { shownSleep, watchedFetch } from "./connection.ts";

const NAME = "mjflow.key";

export function storedApiKey(): string | undefined {
  return sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME) ?? undefined;
}

/** @param staysSignedIn true: also new tabs and later visits of this browser are signed in */
export function storeApiKey(key: string, staysSignedIn: boolean): void {
  (staysSignedIn ? localStorage : sessionStorage).setItem(NAME, key);
}

export function clearApiKey(): void {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
}

/** Calls `changed` when another tab signs in or out. */
export function onKeyOfOtherTab(changed: () => void): () => void {
  const notice = ({ key }: StorageEvent) => {
    if (key === NAME || key === null) changed();
  };
  addEventListener("storage", notice);
  return () => removeEventListener("storage", notice);
}

/** Returns the API's address: the page's origin, unless the page names another one (`site.ts`). */
export function apiUrl(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="mjflow-api"]')?.content || location.origin;
}

/** @throws MjflowError `invalid_argument` if the text cannot be an API key */
export function clientFor(apiKey: string): Mjflow {
  return new Mjflow({ baseUrl: apiUrl(), apiKey, fetch: watchedFetch(apiUrl()), sleep: shownSleep });
}

export interface Session {
  mjflow: Mjflow;
  signOut(): void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("SessionContext has no value above this component");
  return session;
}

export function useMjflow(): Mjflow {
  return useSession().mjflow;
}

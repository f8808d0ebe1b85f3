/**
 * The session of the console. The page sends an API key once, to get a session for it, and keeps the key nowhere. On the origin
 * of the API the session is a cookie, which no script can read. Elsewhere cookies are not allowed (docs/decisions/0089): the page
 * has a token, in the storage of this tab or, by choice, of this browser.
 */
import type { CurrentCaller } from "@mjflow/client";
import { Api } from "@mjflow/client/api";
import { configOf, type MjflowOptions } from "@mjflow/client/config";
import type { Waiting } from "@mjflow/client/flow";
import { Transport } from "@mjflow/client/transport";
import { createContext, useContext } from "react";
import { shownSleep, watchedFetch } from "./connection.ts";

/** The token, or the word `cookie` if the session is a cookie. A page without either asks for no session. */
const NAME = "mjflow.session";
const COOKIE = "cookie";

/** Returns the API's address: the page's origin, unless the page names another one (`site.ts`). */
export function apiUrl(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="mjflow-api"]')?.content || location.origin;
}

/** A browser keeps a Secure cookie only in a page with TLS, or of this machine. */
function hasCookie(): boolean {
  return new URL(apiUrl()).origin === location.origin && isSecureContext;
}

/** Loads the code that follows a flow. Only the page of a running flow needs it, so it is no part of the first view. */
export const loadWaiting = () => import("@mjflow/client/wait");

const WAITING: Waiting = {
  waitFor: async (...of) => (await loadWaiting()).waitFor(...of),
  async *eventsOf(...of) {
    yield* (await loadWaiting()).eventsOf(...of);
  },
};

/** @throws MjflowError `invalid_argument` if an option is not valid */
export function apiWith(options: MjflowOptions): Api {
  return new Api(new Transport(configOf(options)), WAITING);
}

/** @throws MjflowError `invalid_argument` if the text cannot be a key */
function clientFor(apiKey: string | undefined): Api {
  const [baseUrl, watched] = [apiUrl(), watchedFetch(apiUrl())];
  // Without this header the API ignores the cookie, so that other pages cannot use it.
  const withCookie: typeof fetch = (input, init) => {
    if (!String(input).startsWith(`${baseUrl}/v1/`)) return watched(input, init);
    return watched(input, { ...init, headers: { ...(init?.headers as object), "mjflow-session": "cookie" } });
  };
  return apiWith({ baseUrl, apiKey, fetch: apiKey === undefined ? withCookie : watched, sleep: shownSleep });
}

function forget(): void {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
}

/** Calls `changed` when another tab signs in or out. */
export function onOtherTab(changed: () => void): () => void {
  const notice = ({ key }: StorageEvent) => {
    if (key === NAME || key === null) changed();
  };
  addEventListener("storage", notice);
  return () => removeEventListener("storage", notice);
}

export interface SignedIn {
  mjflow: Api;
  caller: CurrentCaller;
}

/**
 * Returns the session of this browser; undefined if there is none.
 * @throws MjflowError of any other response, and if there is none
 */
export async function currentSession(): Promise<SignedIn | undefined> {
  const stored = sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME);
  if (stored === null) return undefined;
  const mjflow = clientFor(stored === COOKIE ? undefined : stored);
  try {
    return { mjflow, caller: await mjflow.sessions.current() };
  } catch (error) {
    if ((error as { status?: number }).status !== 401) throw error;
    forget();
    return undefined;
  }
}

/**
 * Exchanges a key, or the secret of a sign-in link, for a session.
 *
 * @param stays true: also new tabs and later visits of this browser are signed in
 * @throws MjflowError if the secret is not accepted
 */
export async function startSession(secret: string, stays: boolean): Promise<SignedIn> {
  const { sessions } = clientFor(secret);
  const input = { as: hasCookie() ? "cookie" : "token", stay: stays, label: browserName() } as const;
  const { token } = await (secret.startsWith("mjl_") ? sessions.signIn(input) : sessions.create(input));
  const mjflow = clientFor(token ?? undefined);
  const caller = await mjflow.sessions.current();
  forget();
  (stays || token === null ? localStorage : sessionStorage).setItem(NAME, token ?? COOKIE);
  return { mjflow, caller };
}

/** Ends the session in all tabs. A server that does not respond ends it later by itself. */
export async function endSession({ mjflow }: SignedIn): Promise<void> {
  await mjflow.sessions.end("current").catch(() => {});
  forget();
}

/** What a user recognizes in the list of sessions, for example `Firefox, Linux`. */
function browserName(): string {
  const { userAgent } = navigator;
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\//.exec(userAgent)?.[1] ?? "Browser";
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(userAgent)?.[1];
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  return [browser, system].flatMap((name) => (name === undefined ? [] : (names[name] ?? name))).join(", ");
}

export interface Session extends SignedIn {
  signOut(): void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("SessionContext has no value above this component");
  return session;
}

export function useMjflow(): Api {
  return useSession().mjflow;
}

/** React hooks that are independent of mjflow. */
import { useEffect, useState, useSyncExternalStore } from "react";
import { withQuery } from "./lib/route.ts";

export function useHash(): string {
  return useSyncExternalStore(
    (notify) => {
      addEventListener("hashchange", notify);
      return () => removeEventListener("hashchange", notify);
    },
    () => location.hash,
  );
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (notify) => {
      const media = matchMedia(query);
      media.addEventListener("change", notify);
      return () => media.removeEventListener("change", notify);
    },
    () => matchMedia(query).matches,
  );
}

/** Returns the current time, epoch ms, and updates it every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** Returns true while the browser window shows the top of the page. */
export function useAtTop(): boolean {
  return useSyncExternalStore(
    (notify) => {
      addEventListener("scroll", notify, { passive: true });
      return () => removeEventListener("scroll", notify);
    },
    () => scrollY < innerHeight / 2,
  );
}

/** Changes fields of the route's query without a new entry in the browser history. An empty text removes a field. */
export function replaceQuery(changes: Readonly<Record<string, string>>): void {
  history.replaceState(history.state, "", withQuery(location.hash, changes));
  // `replaceState` fires no event, and `location.replace` would fire one only after the next frame.
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** React's side of things that have nothing to do with mjflow. */
import { useEffect, useState, useSyncExternalStore } from "react";

export function useHash(): string {
  return useSyncExternalStore(
    (tell) => {
      addEventListener("hashchange", tell);
      return () => removeEventListener("hashchange", tell);
    },
    () => location.hash,
  );
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (tell) => {
      const media = matchMedia(query);
      media.addEventListener("change", tell);
      return () => media.removeEventListener("change", tell);
    },
    () => matchMedia(query).matches,
  );
}

/** The time, told anew every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** Whether the window shows the top of the page. */
export function useAtTop(): boolean {
  return useSyncExternalStore(
    (tell) => {
      addEventListener("scroll", tell, { passive: true });
      return () => removeEventListener("scroll", tell);
    },
    () => scrollY < innerHeight / 2,
  );
}

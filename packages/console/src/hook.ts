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

const watched = new WeakMap<Element, () => void>();
let observer: IntersectionObserver | undefined;

/** True from when the element first comes near the window; one observer serves a list of any length. */
export function useSeen(element: Element | null): boolean {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (!element || isSeen) return;
    observer ??= new IntersectionObserver(
      (entries) => {
        for (const entry of entries) if (entry.isIntersecting) watched.get(entry.target)?.();
      },
      { rootMargin: "200px" },
    );
    watched.set(element, () => setSeen(true));
    observer.observe(element);
    return () => observer?.unobserve(element);
  }, [element, isSeen]);
  return isSeen;
}

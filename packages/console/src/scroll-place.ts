/** Where the user was in each entry of the browser history. The browser cannot restore it, because a page loads its content later. */

/** Time in which the content of a page may grow to its height, ms. A slow network needs seconds. */
const MAX_MS = 10_000;

/** Scroll positions by the key of the history entry. */
const places = new Map<string, number>();
let latest = 0;

/** Notes the scroll position of the shown entry from now on. */
export function keepPlaces(): void {
  history.scrollRestoration = "manual";
  addEventListener("scroll", notePlace, { passive: true });
}

function notePlace(): void {
  places.set(entryKey(), scrollY);
}

/** Shows the place of an entry that was shown before, and the top of a new one. */
export function restorePlace(): void {
  latest += 1;
  const wanted = places.get(entryKey()) ?? 0;
  scrollTo(0, 0);
  if (wanted > 0) requestAnimationFrame(() => scrollWhenReady(wanted, latest, performance.now() + MAX_MS));
}

function scrollWhenReady(wanted: number, call: number, until: number): void {
  // The user has gone to another page or has scrolled meanwhile.
  if (call !== latest || scrollY > 0) return;
  const isReady = document.documentElement.scrollHeight - innerHeight >= wanted;
  if (isReady || performance.now() > until) scrollTo(0, wanted);
  else requestAnimationFrame(() => scrollWhenReady(wanted, call, until));
}

/** The key of the shown history entry. A new entry has none, and gets one. */
function entryKey(): string {
  const { key } = (history.state ?? {}) as { key?: string };
  if (key !== undefined) return key;
  const fresh = `${Date.now()} ${Math.random()}`;
  history.replaceState({ ...history.state, key: fresh }, "", location.href);
  return fresh;
}

/**
 * The rows of a long list that exist: those near the visible area. A component is rendered again only when a row comes or goes, in
 * the frame of the scroll.
 */
import { type RefObject, useLayoutEffect, useState, useSyncExternalStore } from "react";
import { type RowEdges, rowsBetween } from "./lib/rows.ts";

/** Rows this far above and below the visible area exist too, for the next scroll step and for the Tab key, px. */
const MARGIN = 360;
/** A scroll counts as over after this time without an event, ms. */
const MOVING_MS = 150;

/** Each scroll event reads it once. A read after a change of the page would make the browser lay out the page at once. */
const view = { top: 0, height: 0, movedAt: Number.NEGATIVE_INFINITY };
const listeners = new Set<() => void>();

function readView(): void {
  view.top = scrollY;
  view.height = innerHeight;
}

function onScroll({ timeStamp }: Event): void {
  readView();
  view.movedAt = timeStamp;
  for (const notify of listeners) notify();
}

function subscribe(notify: () => void): () => void {
  if (listeners.size === 0) {
    readView();
    addEventListener("scroll", onScroll, { passive: true });
    addEventListener("resize", onScroll);
  }
  listeners.add(notify);
  return () => {
    listeners.delete(notify);
    if (listeners.size > 0) return;
    removeEventListener("scroll", onScroll);
    removeEventListener("resize", onScroll);
  };
}

/** Returns true while the user scrolls. */
export function isScrolling(): boolean {
  return performance.now() - view.movedAt < MOVING_MS;
}

/**
 * @param edges rows of the list
 * @param top upper edge of the list, px from the start of the page
 * @returns the first shown row and the one after the last
 */
export function useShownRows(edges: RowEdges, top: number): readonly [first: number, end: number] {
  const shown = useSyncExternalStore(subscribe, () => {
    if (listeners.size === 0) readView();
    return rowsBetween(edges, view.top - top - MARGIN, view.top - top + view.height + MARGIN).join();
  });
  const [first, end] = shown.split(",").map(Number);
  return [first!, end!];
}

/** Returns where a list is on the page and how wide it is, px. Both are 0 until it is laid out. */
export function usePlace(list: RefObject<HTMLElement | null>): { top: number; width: number } {
  const [place, setPlace] = useState({ top: 0, width: 0 });
  useLayoutEffect(() => {
    const read = () => {
      const { offsetTop: top, clientWidth: width } = list.current!;
      setPlace((now) => (now.top === top && now.width === width ? now : { top, width }));
    };
    read();
    const observer = new ResizeObserver(read);
    observer.observe(list.current!);
    // What is above the list can change its height.
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [list]);
  return place;
}

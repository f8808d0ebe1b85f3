/** The keys that work on every page, and the sheet that lists all keys. */
import { lazy, useEffect } from "react";
import { Part } from "../kit/part.tsx";
import { GO_KEYS, hrefOf, pagesFor } from "../lib/route.ts";
import { useIsOperator } from "../queries.ts";

const ShortcutSheet = lazy(() =>
  import("../settings/shortcuts.tsx").then(({ ShortcutSheet: component }) => ({ default: component })),
);

/** Time for the second key after `g`. */
const SECOND_MS = 1_500;

const CommandPalette = lazy(() =>
  import("./command-palette.tsx").then(({ CommandPalette: component }) => ({ default: component })),
);

/** What a key has opened. */
export type OpenedByKey = "shortcuts" | "palette" | undefined;

export function ShortcutKeys({ open, onOpen }: { open: OpenedByKey; onOpen(what: OpenedByKey): void }) {
  const isOperator = useIsOperator();
  useEffect(() => {
    const pageOf = new Map(pagesFor(isOperator).map(([page]) => [GO_KEYS[page], page]));
    let goUntil = 0;
    function onKeyDown(event: KeyboardEvent) {
      const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
      // A dialog has its own keys.
      if (document.querySelector("dialog[open]")) return;
      if (isCommand) {
        // Also in a field, where browsers would go to their search.
        event.preventDefault();
        onOpen("palette");
        return;
      }
      const target = event.target as HTMLElement;
      const isField = target.closest("input, textarea, select, [contenteditable]") !== null;
      if (isField || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const { key } = event;
      const page = Date.now() < goUntil ? pageOf.get(key) : undefined;
      goUntil = key === "g" && page === undefined ? Date.now() + SECOND_MS : 0;
      const search = document.querySelector<HTMLInputElement>("main input[type=search]");
      if (page !== undefined) location.hash = hrefOf({ page });
      else if (key === "?") onOpen("shortcuts");
      else if (key === "n") location.hash = hrefOf({ page: "create" });
      else if (key === "/" && search) search.focus();
      else return;
      event.preventDefault();
    }
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [onOpen, isOperator]);
  if (open === undefined) return null;
  const close = () => onOpen(undefined);
  return <Part>{open === "palette" ? <CommandPalette onClose={close} /> : <ShortcutSheet onClose={close} />}</Part>;
}

/** Choices of the user that this browser keeps. */
import { useSyncExternalStore } from "react";

const DEFAULTS = { theme: "system", confirmUsd: "0.10", rowHeight: "220", language: "auto" } as const;
type Name = keyof typeof DEFAULTS;

const listeners = new Set<() => void>();

export function preference(name: Name): string {
  return localStorage.getItem(`mjflow.${name}`) ?? DEFAULTS[name];
}

export function setPreference(name: Name, value: string): void {
  if (value === DEFAULTS[name]) localStorage.removeItem(`mjflow.${name}`);
  else localStorage.setItem(`mjflow.${name}`, value);
  for (const notify of listeners) notify();
}

export function usePreference(name: Name): string {
  return useSyncExternalStore(
    (notify) => {
      listeners.add(notify);
      return () => listeners.delete(notify);
    },
    () => preference(name),
  );
}

/** Applies the theme to the page. `system` follows the browser. */
export function applyTheme(): void {
  const theme = preference("theme");
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

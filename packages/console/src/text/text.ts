/**
 * The texts of the page in the language of the user. A component reads `t.gallery.search` while it renders. A constant of a module must not read `t`, because it would keep the language in which the module was loaded.
 *
 * This `t` has the texts of the first view; `create-text.ts` and `page-text.ts` have the others. English is part of the page. Another language is
 * loaded when it is chosen.
 */
import { useSyncExternalStore } from "react";
import { preference } from "../preference.ts";
import { en, type Texts } from "./en.ts";
import type { CreateTexts } from "./en-create.ts";
import type { PageTexts } from "./en-pages.ts";

export const LANGUAGES = ["en", "zh"] as const;
export type Language = (typeof LANGUAGES)[number];

type MoreTexts = CreateTexts & PageTexts;

interface Loaded {
  texts: Texts;
  /** Texts that the first view does not need; unset in English, which has them in the chunks of their pages. */
  more?: MoreTexts;
}

/** Each language by its own name, as `Intl` and the `lang` attribute know it, and where its texts are. */
const KNOWN: Readonly<Record<Language, { name: string; locale: string; load(): Promise<Loaded> }>> = {
  en: { name: "English", locale: "en", load: () => Promise.resolve({ texts: en }) },
  zh: { name: "简体中文", locale: "zh-CN", load: () => import("./zh.ts").then(({ zh }) => ({ texts: zh, more: zh })) },
};

export let t: Texts = en;
let shown: Loaded = { texts: en };
let language: Language = "en";
let wanted: Language = "en";
const listeners = new Set<() => void>();
const catalogs: ((texts: Texts, more: MoreTexts | undefined) => void)[] = [];

/** Returns the name of a language in this language. */
export function languageName(of: Language): string {
  return KNOWN[of].name;
}

/** Returns the locale of the page, for `Intl`. */
export function locale(): string {
  return KNOWN[language].locale;
}

/** @param chosen choice of the user; anything else than a language means the first known language of the browser */
export function languageOf(chosen: string, ofBrowser: readonly string[]): Language {
  const isKnown = (tag: string): tag is Language => LANGUAGES.includes(tag as Language);
  return [chosen, ...ofBrowser].map((tag) => tag.toLowerCase().split("-")[0]!).find(isKnown) ?? "en";
}

/** Loads the texts of the chosen language and shows them. If they cannot be loaded, the page keeps its language. */
export async function applyLanguage(): Promise<void> {
  const next = languageOf(preference("language"), navigator.languages);
  wanted = next;
  const loaded = await KNOWN[next].load().catch(() => undefined);
  // A later choice may have been loaded first.
  if (!loaded || wanted !== next) return;
  shown = loaded;
  t = loaded.texts;
  language = next;
  document.documentElement.lang = locale();
  // The catalogs change before any component reads them.
  for (const use of catalogs) use(loaded.texts, loaded.more);
  for (const notify of listeners) notify();
}

/** Calls `use` with the texts of the page now and after each change of the language. */
export function onTexts(use: (texts: Texts, more: MoreTexts | undefined) => void): void {
  catalogs.push(use);
  use(shown.texts, shown.more);
}

export function useLanguage(): Language {
  return useSyncExternalStore(
    (notify) => {
      listeners.add(notify);
      return () => listeners.delete(notify);
    },
    () => language,
  );
}

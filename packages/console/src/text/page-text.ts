/**
 * The texts of the first view and of the pages and parts that are loaded later. A module of the first view imports `text.ts`, so
 * that it does not load these.
 */
import type { Texts } from "./en.ts";
import { enPages, type PageTexts } from "./en-pages.ts";
import { onTexts } from "./text.ts";

export let t: Texts & PageTexts;
onTexts((texts, more) => {
  t = { ...texts, ...(more ?? enPages) };
});

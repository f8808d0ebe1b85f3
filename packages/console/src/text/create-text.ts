/** The texts of the first view and of the form for a new flow. */
import type { Texts } from "./en.ts";
import { type CreateTexts, enCreate } from "./en-create.ts";
import { onTexts } from "./text.ts";

export let t: Texts & CreateTexts;
onTexts((texts, more) => {
  t = { ...texts, ...(more ?? enCreate) };
});

/** The forms of all families except `mjproxy`, whose forms are in `vendors/`. A new family needs a folder and a line here. */
import type { Form } from "../family.ts";
import { PROVIDER_IDS } from "../vendors/index.ts";
import { acedatacloud } from "./acedatacloud/form.ts";
import { legnext } from "./legnext/form.ts";
import { ttapi } from "./ttapi/form.ts";
import { useapi } from "./useapi/form.ts";

export const FORMS: ReadonlyMap<string, Form> = new Map(
  [ttapi, acedatacloud, useapi, legnext].map((form) => [form.id, form]),
);

/** Ids of the providers of all families. */
export const KNOWN_PROVIDER_IDS: readonly string[] = [...PROVIDER_IDS, ...FORMS.keys()];

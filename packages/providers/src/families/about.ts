/** What the tables of the documents say of each form. Only documents and tests import it, so it is in no bundle. */
import type { About } from "../family.ts";
import { about as acedatacloud } from "./acedatacloud/about.ts";
import { about as legnext } from "./legnext/about.ts";
import { about as ttapi } from "./ttapi/about.ts";
import { about as useapi } from "./useapi/about.ts";

export const ABOUT: Readonly<Record<string, About>> = { ttapi, acedatacloud, useapi, legnext };

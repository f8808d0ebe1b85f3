import type { FamilyId } from "../provider.ts";
import { acedatacloud } from "./acedatacloud.ts";
import type { Family } from "./family.ts";
import { legnext } from "./legnext.ts";
import { ttapi } from "./ttapi.ts";
import { useapi } from "./useapi.ts";

/** All families. A new one needs one file and one line here. */
export const FAMILIES: Readonly<Record<FamilyId, Family>> = { ttapi, acedatacloud, useapi, legnext };

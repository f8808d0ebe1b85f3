/** The callback readers of the families, by provider id. Each is loaded with the first callback of its family. */
import type { FamilyReader } from "../family.ts";

export const READERS: Readonly<Record<string, () => Promise<FamilyReader>>> = {
  ttapi: () => import("./ttapi/read.ts"),
  acedatacloud: () => import("./acedatacloud/read.ts"),
  useapi: () => import("./useapi/read.ts"),
  legnext: () => import("./legnext/read.ts"),
};

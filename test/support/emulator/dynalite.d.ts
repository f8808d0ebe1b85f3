/** dynalite contains no types; this declares the part that `table.ts` uses. */
declare module "dynalite" {
  import type { Server } from "node:http";

  interface Options {
    /** Folder of LevelDB; unset: in memory. */
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }

  export default function dynalite(options?: Options): Server;
}

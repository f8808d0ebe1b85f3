/** dynalite ships no types; this is what `table.ts` uses of it. */
declare module "dynalite" {
  import type { Server } from "node:http";

  interface Options {
    /** LevelDB's folder; without it, memory. */
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }

  export default function dynalite(options?: Options): Server;
}

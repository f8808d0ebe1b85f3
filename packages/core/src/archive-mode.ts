/** When the copies of a flow's result images are sent (docs/decisions/0052). */
import * as z from "zod/mini";

/**
 * `true`: the success is sent after the archiving, with the copies. `later`: the success is sent at once with the vendor's
 * links, and the event `task.archived` tells the copies. `false`: nothing is archived.
 */
export const ArchiveMode = z.literal([true, false, "later"]);
/** `null`: the default of the deployment. */
export const ArchiveModeOrNull = z.literal([true, false, "later", null]);
export type ArchiveMode = z.infer<typeof ArchiveMode>;

/** Names and timings of the local resources, which `sst deploy` chooses on AWS. */

export const TABLE = "mjflow";
export const BUCKET = "mjflow-blobs";

/**
 * Visibility timeout of the queues, seconds. It is shorter than deployed: after a crash of the local server, a message
 * that a worker held would otherwise be missing for ten minutes. It is still longer than any vendor response on this
 * machine.
 */
export const VISIBILITY_S = 100;

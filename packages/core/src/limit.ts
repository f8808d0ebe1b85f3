/**
 * Sizes, counts and timeouts that the infrastructure and the code must agree on. Plain numbers, so that
 * `infra/` can import this file as it is and a test can hold both sides to it.
 */

/** What an app may send. */
export const REQUEST = {
  /** The caller's opaque string, in UTF-8 bytes: 4,096 characters of any kind fit, emoji at four bytes each. */
  stateBytes: 16_384,
  promptBytes: 16_384,
  /** notifyHook and other URLs, in characters (trueai-org refuses hooks above 2,000). */
  urlLength: 2_000,
  /** Presses in one plan, over all its depths: bounds what one request can spend. */
  planPresses: 200,
  planDepth: 32,
  /** A task's place in its lineage, as text: it travels in ids, hook tokens and the state vendors see (255 at most). */
  pathLength: 160,
  /** The stored plan without its images; DynamoDB refuses an item above 400 KB. */
  planBytes: 100_000,
  images: 10,
  /** A Lambda function URL accepts 6 MB in all. */
  bodyBytes: 6 * 1024 * 1024,
} as const;

/** The operator's list of banned words is one row, which holds 400 KB. */
export const BANNED = { words: 3_000, wordLength: 60, bytes: 300_000 } as const;

/** What a vendor may post to the callback address. `maskBase64` makes bodies large; it is dropped before storing. */
export const CALLBACK = { bodyBytes: 6 * 1024 * 1024 } as const;

/** The vendor's last body, cleaned, as kept for reading: larger ones are dropped, never cut. */
export const RESULT = { rawBytes: 32_768 } as const;

/** Seconds, as AWS counts them. A queue's visibility must be at least 6 times its consumer's timeout (AWS's own advice). */
export const FUNCTION_TIMEOUT_S = {
  api: 30,
  callback: 15,
  /** The vendor's answer may take a minute (new-api waits 60 s for its own upstream); storing it needs the rest. */
  submit: 100,
  /** A receiver may take 15 s, and all of a batch are posted to at once. */
  deliver: 60,
  /** Five pictures, fetched one after another, and stored. */
  archive: 120,
  sweep: 60,
  deadletter: 30,
} as const;

/** How long a submit worker waits for the vendor's answer; the lease outlives it, the function outlives both. */
export const SUBMIT_ANSWER_TIMEOUT_MS = 75_000;
export const SUBMIT_LEASE_MS = 95_000;
export const LOOKUP_TIMEOUT_MS = 15_000;

export const QUEUE = {
  submit: { visibilityTimeoutS: 600, maxReceiveCount: 5, batchSize: 10, maxDelayS: 900 },
  deliver: { visibilityTimeoutS: 360, maxReceiveCount: 5, batchSize: 10, maxDelayS: 900 },
  /** One at a time: a picture is as much as the function's disk should hold. */
  archive: { visibilityTimeoutS: 720, maxReceiveCount: 5, batchSize: 1, maxDelayS: 900 },
  deadLetterRetentionS: 14 * 24 * 3_600,
} as const;

/** Shards of the sparse `due` index: more shards, more write throughput; the sweeper asks each one. */
export const DUE_SHARDS = 4;

/** Ids in one list-by-condition call. No vendor documents a maximum; 50 is cautious. */
export const LOOKUP_BATCH = 50;

/** Tasks one vendor account may be capped to run at a time: its row of slots grows with it, and is written with each submission. */
export const MAX_RUNNING = 100;

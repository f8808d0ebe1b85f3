/**
 * Sizes, counts and timeouts that the infrastructure and the code must agree on. The file contains only numbers, so
 * `infra/` can import it, and a test can check both sides.
 */

/** Limits of an app's request. */
export const REQUEST = {
  /** The app's `state`, in UTF-8 bytes. 4,096 characters of any kind fit; an emoji has four bytes. */
  stateBytes: 16_384,
  promptBytes: 16_384,
  /** `notifyHook` of an app and other URLs, in characters (trueai-org rejects longer callback URLs). */
  urlLength: 2_000,
  /** Presses in one plan, over all levels. This limits what one request can spend. */
  planPresses: 200,
  planDepth: 32,
  /**
   * The path of a task, in characters. Ids, callback tokens and the `state` sent to vendors (at most 255) contain it.
   */
  pathLength: 160,
  /** The stored plan without its images. DynamoDB rejects an item above 400 KB. */
  planBytes: 100_000,
  images: 10,
  /** Flows of one batch, after its permutations are expanded. */
  batchFlows: 100,
  /**
   * All flows of a batch together with the shared fields, written out as JSON. The response repeats a part of it, and Lambda
   * sends at most 6 MB.
   */
  batchBytes: 5 * 1024 * 1024,
  /** A Lambda function URL accepts 6 MB in total. */
  bodyBytes: 6 * 1024 * 1024,
} as const;

/**
 * Limits of the translation of prompts. Two tries and the writes of a flow fit into the timeout of the API. A hanging translator
 * holds an execution of the API for `totalMs`.
 */
export const TRANSLATION = {
  /** Different prompts of one request. */
  prompts: 20,
  tries: 2,
  tryMs: 7_000,
  /** All prompts of one request together. */
  totalMs: 14_000,
  /** Prompts of one request that are translated at one time. */
  parallel: 5,
  /** The response of the translator. A prompt has 16 KB, and its translation can be as long. */
  responseBytes: 256 * 1024,
} as const;

/** Maximum number of credit counters of an app. It is here, so that workers do not load the schemas of apps with it. */
export const MAX_COUNTERS = 16;

/** Limits of the operator's list of banned words. The list is one row, which can have 400 KB. */
export const BANNED = { words: 3_000, wordLength: 60, bytes: 300_000 } as const;

/** Limit of a callback. `maskBase64` makes the bodies large; it is dropped before storing. */
export const CALLBACK = { bodyBytes: 6 * 1024 * 1024 } as const;

/** Limit of the vendor's cleaned last body, stored for inspection. A larger body is dropped, never truncated. */
export const RESULT = { rawBytes: 32_768 } as const;

/**
 * Timeouts of the functions in seconds. AWS recommends that the visibility timeout of a queue is at least 6 times the
 * timeout of its consumer.
 */
export const FUNCTION_TIMEOUT_S = {
  api: 30,
  stream: 30,
  callback: 15,
  /** The vendor's response may take a minute (new-api waits 60 s for its upstream). The rest is for storing it. */
  submit: 100,
  /** A receiver may take 15 s. All deliveries of a batch are sent in parallel. */
  deliver: 60,
  /** Time for five images, which are downloaded one after another and stored. */
  archive: 120,
  /** One image is read, decoded, encoded and stored. The API waits for it, so it is shorter than `api`. */
  reduce: 25,
  sweep: 60,
  deadletter: 30,
} as const;

/** After this time a batch starts no more flows, so that its response comes before the timeout of the API. */
export const BATCH_TIME_MS = 20_000;

/** How long flows and tasks are stored after the creation of the flow, ms. */
export const FLOW_RETENTION_MS = 35 * 24 * 3_600_000;

/**
 * Open event streams and long polls. Each holds an execution for up to `FUNCTION_TIMEOUT_S.stream`, so their number is limited
 * for each app and for the deployment.
 */
export const STREAMS = {
  perApp: 10,
  perDeployment: 90,
  /** Limits of the local server, where an open stream is only a promise. */
  local: { perApp: 500, perDeployment: 1_000 },
  /** A slot that is older was not released: the process of its stream has ended. */
  staleMs: (FUNCTION_TIMEOUT_S.stream + 10) * 1_000,
} as const;

/**
 * How long a submit worker waits for the vendor's response. The lease is longer, and the function timeout is longer
 * than both.
 */
export const SUBMIT_ANSWER_TIMEOUT_MS = 75_000;
export const SUBMIT_LEASE_MS = 95_000;
export const LOOKUP_TIMEOUT_MS = 15_000;

export const QUEUE = {
  /**
   * One message per invocation: a vendor that hangs holds one worker and no other message. A batch also has one lineage,
   * which Lambda's detection of recursive loops counts.
   */
  submit: { visibilityTimeoutS: 600, maxReceiveCount: 5, batchSize: 1, maxDelayS: 900 },
  /** A batch ends with its slowest first attempt, which has a timeout of 3 s. */
  deliver: { visibilityTimeoutS: 360, maxReceiveCount: 5, batchSize: 5, maxDelayS: 900 },
  /** One message at a time, because the function's disk should hold only one image. */
  archive: { visibilityTimeoutS: 720, maxReceiveCount: 5, batchSize: 1, maxDelayS: 900 },
  /** Jobs of the sweeper. A job is received once: it expires before it would be visible again. */
  sweep: { visibilityTimeoutS: 360, batchSize: 1, retentionS: 120 },
  deadLetters: { retentionS: 14 * 24 * 3_600, batchSize: 10 },
} as const;

/** Maximum number of ids in one batch look-up. No vendor documents a maximum; 50 is a cautious value. */
export const LOOKUP_BATCH = 50;

/**
 * Maximum value of an account's concurrency limit. Its slots are in rows of twelve, and a worker reads all of them before it
 * acquires one: 84 rows, about 14 read units.
 */
export const MAX_RUNNING = 1_000;

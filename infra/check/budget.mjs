/**
 * Highest minified size that a cold start of each function may read, kB. Raise a value only after finding the cause.
 *
 * The last raise has three causes. All functions can read damaged vendor responses (about 8 kB) and store late successes
 * (about 5 kB). The API explains wrong fields and makes /mj requests safe to repeat (about 15 kB). Rare code is loaded on
 * demand: the adoption of a late success, and the decoders of bodies that are not plain UTF-8. After that the callback
 * handler learned which buttons a vendor can press, and the API which plans (2 kB each).
 *
 * Since then all functions can update single attributes of a row (about 6 kB: the request of the SDK, and its expressions).
 * Functions with account health count how long tasks take, and the API computes read hints from it (2 kB).
 * All functions that end tasks release their slots (3 kB). The submit worker acquires them (4 kB).
 *
 * Every function with a store can read the classes and shards of the due index (about 1 kB). Sweep is a dispatcher and a
 * worker, and reads the depth of the submit queue (about 4 kB). The reasons of failed copies are in all of them (0.5 kB).
 * All functions that send messages group them by account or app; the workers of queues count the chains (about 1.5 kB).
 * All functions that run effects can wake a wait list (about 3 kB). The submit worker dispatches it (9 kB with the former).
 * The API knows where its streams are, and limits those of the local server (2 kB). Stream has the reads of the API.
 *
 * Functions that end flows find events without a record (1 kB). Sweep closes delivery logs (4 kB). Deliver writes them and has
 * circuit breakers (9 kB). The API lists deliveries from them (6 kB).
 * All functions that end flows change the counter of an app's credit with single updates of named fields (about 10 kB). The
 * API reserves with it (4 kB), and Sweep repairs it (5 kB). Settlements remove entries for other containers (0.7 kB).
 *
 * The API says why a task waits and how many tasks come first, and counts the wait lists of accounts (2 kB).
 * Sweep measures the longest wait (1 kB). Submit keeps the slots of its calls for the next ones (1 kB).
 *
 * Every function that reads endpoints can read replays. The API starts, reads and cancels them (6 kB), and Sweep sends their
 * messages again (1 kB). Deliver loads the steps of a replay on demand. The API counts parked events (3 kB), and Sweep starts
 * their recoveries (4 kB).
 *
 * An app can have several credit counters: all functions that end flows choose one (2 kB), the API tries two (3 kB).
 *
 * Every function that runs effects sends the notifications of one invocation together, and the store reads siblings as one range
 * (3 kB).
 *
 * All functions that read reports know videos, their buttons and previews (3 kB). Submit also makes video requests and knows
 * which vendors have what (5 kB). The schemas of apps left Submit, Sweep and the API: only a number of theirs was used.
 *
 * The table itself answers for empty ranges, which DynamoDB rejects (0.1 kB in all functions with a store).
 *
 * All functions that read tasks and send events know copies that are sent later than the success (1 kB).
 *
 * The API validates batches and loads the rest of them on demand (4 kB, with the glue of the split).
 *
 * The API finds uploads and checks the images of requests (9 kB). It loads the code that reads links and signs URLs on demand.
 *
 * Conditional writes share one loop, and new tasks one list of what they take over. Deadletter, Deliver and Sweep have few of the
 * callers that became smaller (0.3 kB).
 *
 * Flows show their plan, the state of its steps, and URLs; flow lists have counts, cost and pictures (Api 3 kB, Stream 2 kB). Submit
 * tells a deployed function from a local server (0.1 kB).
 *
 * The API has routes for pictures, deletion, templates and reruns. It loads all code behind them on demand (4 kB, and 4 kB of glue
 * between the parts). The store of every function knows templates and deletes the rows of a flow (0.6 kB).
 *
 * Api, Submit and Sweep read the forms of the vendors of all protocol families (2.3 kB for four of them, and 3 kB of glue of the split).
 * The code of a family is loaded on demand. Callback has the glue only (1 kB). All functions know more names of presses (0.4 kB).
 *
 * The claim of a follow-up writes its first row (1 kB in the functions that read tasks). The API counts the uploads of an hour (1 kB),
 * and every function has the text of the error (0.2 kB).
 *
 * The API knows translations of prompts and loads their code on demand (3.6 kB, the half of it is glue). All functions have the texts of
 * its errors and the fields of its rows (0.6 kB).
 *
 * The dispatcher of a wait list hands tasks over (Submit 2 kB).
 *
 * The API identifies sessions and has their routes. Their code is loaded on demand (5 kB, the half of it is glue). Every function
 * with a store knows the rows of access tokens (0.4 kB).
 *
 * The API plans which uploads to scale down, calls Reduce, and marks flows that a press reopens (6 kB). Reduce loads the rest on demand.
 * Every function reads flows with the sizes of scaled-down images (0.1 kB).
 *
 * The API loads its routes and schemas with the first request that needs them (docs/decisions/0084): 685 became 505. Stream has no
 * schema: 347 became 324. The store of every function knows sessions (2 kB), and Api and Stream identify them (3 kB).
 *
 * The durations of an account have its last 24 hours (1 kB in the functions that write them). A task knows when its submission began,
 * and by which account. The API shows both, and has the route of account tests (2 kB). The code behind it is loaded on demand.
 *
 * Callback URLs in a vendor's text and slashes at the end of a URL are found in steps, so that no long text takes minutes. That is
 * 0.4 kB in the functions that read vendors, and 1 kB in the API, most of it glue. Both are modules of their own, so four functions import
 * one module more.
 *
 * The API marks pictures as favorites, has folders, and lists both: 3.2 kB, of which the rows of marks are a half.
 */
export const BUDGET_KB = {
  Api: 521,
  Archive: 389,
  Callback: 360,
  Deadletter: 333,
  Deliver: 367,
  Reduce: 10,
  Stream: 332,
  Submit: 482,
  Sweep: 437,
};

/** Highest number of source modules that the import of each function evaluates. A raise needs a cause, as above. */
export const BUDGET_MODULES = {
  Api: 513,
  Archive: 420,
  Callback: 384,
  Deadletter: 362,
  Deliver: 383,
  Reduce: 20,
  Stream: 391,
  Submit: 467,
  Sweep: 424,
};

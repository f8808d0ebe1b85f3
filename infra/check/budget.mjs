/**
 * Highest minified size that a cold start of each function may read, kB. Raise a value only after finding the cause.
 */
export const BUDGET_KB = {
  Api: 515,
  Archive: 330,
  Callback: 300,
  Deadletter: 290,
  Deliver: 315,
  Submit: 365,
  Sweep: 330,
};

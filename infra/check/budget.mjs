/** What a cold start may read of each function, minified, in kB. Raise one on purpose, never because it is in the way. */
export const BUDGET_KB = {
  Api: 550,
  Archive: 365,
  Callback: 370,
  Deadletter: 355,
  Deliver: 385,
  Submit: 400,
  Sweep: 400,
};

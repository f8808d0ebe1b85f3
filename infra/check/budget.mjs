/** What a cold start may read of each function, minified, in kB. Raise one on purpose, never because it is in the way. */
export const BUDGET_KB = {
  Api: 515,
  Archive: 330,
  Callback: 300,
  Deadletter: 290,
  Deliver: 315,
  Submit: 365,
  Sweep: 330,
};

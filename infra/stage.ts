/** Everything in which one stage differs from another; no other file here asks for the stage's name. */

const production = $app.stage === "production";

export const stage = {
  production,
  /**
   * The receiver's own share of the account's concurrency: a flood at the API cannot starve callbacks, and a flood of
   * callbacks cannot starve the rest. Elsewhere none is set aside: a new account has 10 in all, AWS wants 100 of them
   * left unreserved, and a deployment that reserves any would fail.
   */
  callbackConcurrency: production ? 100 : undefined,
  /** Submit workers at once, each with a batch: bounds what vendors get from us at one moment. AWS's minimum is 2. */
  submitConcurrency: production ? 20 : 2,
  logRetention: production ? ("3 months" as const) : ("1 week" as const),
  /** Gets a mail to confirm after the first deployment. Without it alarms are seen in the console only. */
  alarmEmail: process.env["MJFLOW_ALARM_EMAIL"],
};

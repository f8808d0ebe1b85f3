/** The names of all settings, so that a misspelt one stops the start. It would otherwise have no effect in silence. */
import { nearest } from "@mjflow/core/nearest";

/** Settings of the local server and of the functions that it runs. */
const LOCAL = [
  "MJFLOW_ACCEPT_LOSS",
  "MJFLOW_API_KEY",
  "MJFLOW_API_URL",
  "MJFLOW_ARCHIVE",
  "MJFLOW_BANNED_WORDS",
  "MJFLOW_BODY_BUDGET_MB",
  "MJFLOW_BUCKET_URL",
  "MJFLOW_BUS",
  "MJFLOW_CALL_SLOTS",
  "MJFLOW_CALLBACK_URL",
  "MJFLOW_CDN_URL",
  "MJFLOW_CORS_ORIGINS",
  "MJFLOW_DATA_DIR",
  "MJFLOW_DEFAULT_PROVIDER",
  "MJFLOW_DELIVERY_LOG",
  "MJFLOW_DUE_SHARDS",
  "MJFLOW_FACADE_NOTIFY_HOOK",
  "MJFLOW_FAN_OUT",
  "MJFLOW_HOST",
  "MJFLOW_LOG",
  "MJFLOW_MJ_PUBLIC_IMAGES",
  "MJFLOW_OUTBOUND_ALLOW",
  "MJFLOW_PORT",
  "MJFLOW_PROGRESS",
  "MJFLOW_PUBLIC_URL",
  "MJFLOW_RESUBMIT",
  "MJFLOW_STREAM_URL",
  "MJFLOW_STREAMS",
  "MJFLOW_STREAMS_PER_APP",
  "MJFLOW_STREAMS_PER_DEPLOYMENT",
  "MJFLOW_SUBMIT_WORKERS",
  "MJFLOW_SWEEP_MS",
  "MJFLOW_TIMINGS",
  "MJFLOW_TRANSLATE_KEY",
  "MJFLOW_TRANSLATE_MODEL",
  "MJFLOW_TRANSLATE_URL",
  "MJFLOW_TUNNEL",
  "MJFLOW_WEBHOOK_FIRST_TIMEOUT_S",
];

/** Settings of other programs that a shell may have: the command line, the examples of the documents, the simulator. */
const OTHERS = [
  "MJFLOW_OPERATOR_KEY",
  "MJFLOW_PROVIDER",
  "MJFLOW_SHARE_LINK",
  "MJFLOW_SIGN_IN_LINK",
  "MJFLOW_URL",
  "MJFLOW_WEBHOOK_SECRET",
];
const SIMULATOR = ["DATA_DIR", "PORT", "SEED", "SPEED"].map((name) => `MJFLOW_SIMULATOR_${name}`);

/** Settings of a deployment. They have no effect here, and a person may use one file of variables for both. */
const DEPLOYMENT = [
  "MJFLOW_ALARM_EMAIL",
  "MJFLOW_ALARM_WRITE_UNITS",
  "MJFLOW_ALARMS",
  "MJFLOW_API_DOMAIN",
  "MJFLOW_API_RATE_LIMIT",
  "MJFLOW_ARCHIVE_CONCURRENCY",
  "MJFLOW_BUDGET_USD",
  "MJFLOW_CALLBACK_CONCURRENCY",
  "MJFLOW_CALLBACK_DOMAIN",
  "MJFLOW_CONSOLE_CERTIFICATE",
  "MJFLOW_CONSOLE_URL",
  "MJFLOW_DELIVER_CONCURRENCY",
  "MJFLOW_DOMAIN_CERTIFICATE",
  "MJFLOW_LAMBDA_QUOTA",
  "MJFLOW_PREVIOUS_CALLBACK_DOMAIN",
  "MJFLOW_RECURSIVE_LOOP",
  "MJFLOW_RESERVE_WORKERS",
  "MJFLOW_STREAM_CONCURRENCY",
  "MJFLOW_STREAM_DOMAIN",
  "MJFLOW_SUBMIT_CONCURRENCY",
  "MJFLOW_SWEEP_CONCURRENCY",
  "MJFLOW_TABLE",
  "MJFLOW_TRIAL_STAGE",
  "MJFLOW_WARM_READ_UNITS",
  "MJFLOW_WARM_WRITE_UNITS",
];

/** Variables of the tests and benchmarks of a clone. */
const TESTS = /^MJFLOW_(TEST|CHAOS|KILL|BENCH|CHROMIUM|DYNAMODB)(_|$)/;

export function settingNames(providerIds: readonly string[]): string[] {
  const ofVendors = providerIds.flatMap((id) => namesOfVendor(prefixOf(id)));
  return [...LOCAL, ...ofVendors, ...SIMULATOR, ...OTHERS, ...DEPLOYMENT];
}

function prefixOf(providerId: string): string {
  return `MJFLOW_${providerId.toUpperCase().replaceAll("-", "_")}`;
}

function namesOfVendor(prefix: string): string[] {
  return [`${prefix}_BASE_URL`, `${prefix}_KEY`];
}

/** Returns the message for a name that no program of mjflow reads; undefined if there is none. It contains no value. */
export function unknownSetting(
  env: Readonly<Record<string, string | undefined>>,
  providerIds: readonly string[],
): string | undefined {
  const known = settingNames(providerIds);
  const unknown = Object.keys(env).find(
    (name) => name.startsWith("MJFLOW_") && env[name] !== undefined && !known.includes(name) && !TESTS.test(name),
  );
  if (unknown === undefined) return undefined;
  const vendor = providerIds.map(prefixOf).find((prefix) => unknown.startsWith(`${prefix}_`));
  const near = vendor === undefined ? nearest(unknown, known) : namesOfVendor(vendor).join(" or ");
  const advice = near === undefined ? "Remove it" : `Do you mean ${near}? Otherwise remove it`;
  return `There is no setting ${unknown}. ${advice}. docs/local-server.md lists all settings.`;
}

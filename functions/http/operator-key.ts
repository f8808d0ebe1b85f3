/** The operator's API key (D6), only ever kept as a hash. Apps' own keys are rows: see engine's `app.ts`. */
export { type OperatorKey as ApiKey, operatorKeyOf as apiKeyOf } from "@mjflow/engine/app";

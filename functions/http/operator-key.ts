/** The API key of the operator (D6). Only its hash stays in memory. API keys of apps are rows: see engine/app/app.ts. */
export { type OperatorKey as ApiKey, operatorKeyOf as apiKeyOf } from "@mjflow/engine/app";

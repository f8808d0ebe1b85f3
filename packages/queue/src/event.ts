// biome-ignore lint/correctness/noUndeclaredDependencies: types only; @types/aws-lambda is the root package's.
export type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";

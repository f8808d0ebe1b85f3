/** Schemas of the requests that manage apps and their keys. They have their own file: only these requests need them. */
import * as z from "zod/mini";
import { ArchiveMode, ArchiveModeOrNull } from "./archive-mode.ts";
import { MAX_COUNTERS } from "./limit.ts";

const name = z.string().check(
  z.minLength(1),
  z.maxLength(100),
  z.refine((value) => value.isWellFormed(), { error: "must be well-formed Unicode" }),
);
/** Amount up to one million USD with at most six decimals, so that it converts to whole micro-USD without an error. */
export const Usd = z.number().check(
  z.minimum(0),
  z.maximum(1_000_000),
  z.refine((value) => Math.abs(value * 1e6 - Math.round(value * 1e6)) < 1e-3, { error: "has at most six decimals" }),
);
const days = 24 * 3_600;

const LimitsInput = z.strictObject({
  flowsPerMinute: z.optional(z.int().check(z.minimum(1), z.maximum(1_000_000))),
  runningFlows: z.optional(z.int().check(z.minimum(1), z.maximum(1_000_000))),
  creditsUsd: z.optional(Usd),
});

/** `POST /v1/apps` */
export const AppRequest = z.strictObject({
  name,
  limits: z.optional(LimitsInput),
  archive: z.optional(ArchiveMode),
  translate: z.optional(z.boolean()),
  creditCounters: z.optional(z.int().check(z.minimum(1), z.maximum(MAX_COUNTERS))),
});
export type AppRequest = z.infer<typeof AppRequest>;

/**
 * `PATCH /v1/apps/{id}`: each given field replaces the stored one. `limits` is replaced as a whole; null removes all limits,
 * or the default for archiving.
 */
export const AppPatch = z.strictObject({
  name: z.optional(name),
  limits: z.optional(z.nullable(LimitsInput)),
  archive: z.optional(ArchiveModeOrNull),
  translate: z.optional(z.boolean()),
  disabled: z.optional(z.boolean()),
});
export type AppPatch = z.infer<typeof AppPatch>;

/** `POST /v1/apps/{id}/keys` */
export const KeyRequest = z.strictObject({
  expiresInS: z.optional(z.int().check(z.minimum(60), z.maximum(3_650 * days))),
});
export type KeyRequest = z.infer<typeof KeyRequest>;

/** `POST /v1/apps/{id}/keys/{keyId}/rotate` */
export const RotateRequest = z.strictObject({
  overlapS: z.optional(z.int().check(z.minimum(0), z.maximum(90 * days))),
});
export type RotateRequest = z.infer<typeof RotateRequest>;

/** `POST /v1/apps/{id}/credits`: adds credit once per `reference`. */
export const CreditRequest = z.strictObject({
  addUsd: Usd.check(z.positive()),
  reference: z.string().check(
    z.minLength(1),
    z.maxLength(200),
    z.refine((value) => value.isWellFormed(), { error: "must be well-formed Unicode" }),
  ),
});
export type CreditRequest = z.infer<typeof CreditRequest>;

/** `GET /v1/usage?app=` */
export const UsageQuery = z.strictObject({ app: z.optional(z.string().check(z.maxLength(100))) });

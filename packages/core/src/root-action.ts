/** The kinds of roots, and the fields that only some vendors have for them. No import: the callback handler uses it, too. */

export const ROOT_ACTIONS = [
  "imagine",
  "blend",
  "describe",
  "shorten",
  "swap-face",
  "video",
  "edit",
  "retexture",
] as const;
export type RootAction = (typeof ROOT_ACTIONS)[number];

/**
 * Fields of a root that a vendor may not support. A request with such a field is rejected before anything is paid, if
 * the vendor would ignore the field (vendor-needs.ts).
 */
export const OPTIONAL_FIELDS = ["endImage", "loop", "batchSize", "videoType", "maskBase64"] as const;
export type OptionalField = (typeof OPTIONAL_FIELDS)[number];

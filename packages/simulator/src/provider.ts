/** Ids of all vendors. The id is the first path segment of the base URL of the vendor. */

/** Vendors of the midjourney-proxy family: one protocol in several dialects (`dialects/`). */
export const DIALECT_IDS = [
  "cometapi",
  "gitaigc",
  "xfusionai",
  "agicto",
  "midjourney-proxy",
  "trueai",
  "newapi",
  "simulator",
] as const;
export type DialectId = (typeof DIALECT_IDS)[number];

/** Vendors with a protocol of their own (`families/`). */
export const FAMILY_IDS = ["ttapi", "acedatacloud", "useapi", "legnext"] as const;
export type FamilyId = (typeof FAMILY_IDS)[number];

export const PROVIDER_IDS = [...DIALECT_IDS, ...FAMILY_IDS] as const;
export type ProviderId = DialectId | FamilyId;

export const isProviderId = (text: string): text is ProviderId => PROVIDER_IDS.some((id) => id === text);
export const isFamilyId = (text: string): text is FamilyId => FAMILY_IDS.some((id) => id === text);

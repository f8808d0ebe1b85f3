/** Ids of all vendors. The id is the first path segment of the base URL of the vendor. */
export const PROVIDER_IDS = [
  "cometapi",
  "gitaigc",
  "xfusionai",
  "agicto",
  "midjourney-proxy",
  "trueai",
  "newapi",
  "simulator",
] as const;
export type ProviderId = (typeof PROVIDER_IDS)[number];

export const isProviderId = (text: string): text is ProviderId => PROVIDER_IDS.some((id) => id === text);

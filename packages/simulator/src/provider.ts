/** The vendors there are, by id; the first segment of each one's address. */
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

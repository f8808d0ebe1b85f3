/** For test/bench, which bundles what no deployment has: see bundle.mjs. */

export interface Target {
  root: string;
  /** Whose event it is woken with (wake.mjs). */
  name: string;
  handler: string;
  /** A folder that is there. */
  out: string;
  runtime: string;
  nodejs: object;
  links: Record<string, unknown>;
}

/** In bytes, minified; eager is what a cold start reads. */
export interface Bundle {
  bytes: number;
  eagerBytes: number;
  eagerGzip: number;
}

export function bundleFunction(target: Target): Promise<Bundle>;

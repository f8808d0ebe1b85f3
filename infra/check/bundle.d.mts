/** Types of bundle.mjs for test/bench, which also bundles functions that no deployment has. */

export interface Target {
  root: string;
  /** Name of the function; selects the event that wake.mjs sends. */
  name: string;
  handler: string;
  /** Existing folder for the bundle. */
  out: string;
  runtime: string;
  nodejs: object;
  links: Record<string, unknown>;
}

/** Minified sizes in bytes; "eager" is the part that a cold start reads. */
export interface Bundle {
  bytes: number;
  eagerBytes: number;
  eagerGzip: number;
}

export function bundleFunction(target: Target): Promise<Bundle>;

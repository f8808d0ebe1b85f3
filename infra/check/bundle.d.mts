/** Types of bundle.mjs for the tests and the benchmark of cold starts. */

export interface BuildTarget {
  root: string;
  handler: string;
  /** Existing folder for the bundle. */
  out: string;
  runtime: string;
  nodejs: object;
}

export interface Target extends BuildTarget {
  /** Name of the function; selects the event that wake.mjs sends. */
  name: string;
  links: Record<string, unknown>;
}

/** Minified sizes in bytes; "eager" is the part that a cold start reads. */
export interface Bundle {
  bytes: number;
  eagerBytes: number;
  eagerGzip: number;
  /** Number of source modules in the eager part. */
  eagerModules: number;
}

export function bundleFunction(target: Target): Promise<Bundle>;

/** Bundles without running the function. `file`: where the bundle starts. */
export function buildFunction(target: BuildTarget): Promise<Bundle & { file: string }>;

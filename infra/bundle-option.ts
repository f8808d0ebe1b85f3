/** How SST bundles the functions. The tests and the benchmark of cold starts bundle with the same options. */

/**
 * Packages in which the SDK looks for credentials that are not in the environment; in Lambda they always are. Each
 * package would add its own client to the bundle. Every cold start reads what those clients share with ours (34 kB in
 * Callback).
 */
export const NO_STATIC_CREDENTIALS = [
  "@aws-sdk/credential-provider-http",
  "@aws-sdk/credential-provider-ini",
  "@aws-sdk/credential-provider-process",
  "@aws-sdk/credential-provider-sso",
  "@aws-sdk/credential-provider-web-identity",
  "@smithy/credential-provider-imds",
];

/** Default bundler options; a function that needs more options extends them. */
export const nodejs = {
  // SST's documentation says that minifying is the default, but its bundler minifies only if this is set.
  minify: true,
  // Modules that are imported on demand (the S3 client, the SQS client) become separate files. A cold start would read
  // a single file completely. Measured locally, split files load in 55 to 65 % of the time of a single file.
  splitting: true,
  // These fields are SST's default. They are explicit because the bundle of the AWS SDK's "main" files is half as large
  // again.
  esbuild: { mainFields: ["module", "main"], external: NO_STATIC_CREDENTIALS },
};

/// <reference path="./.sst/platform/config.d.ts" />

/**
 * SST forbids static imports in this file. Therefore `run` imports the parts, in the order in which they are created.
 */
export default $config({
  app(input) {
    const production = input?.stage === "production";
    return {
      name: "mjflow",
      home: "aws",
      // If no region is set, SST takes us-east-1 without a word, and a later shell with another region would make a second
      // stage. This text is no region, so every command stops before it makes anything, and its message contains the text.
      providers: { aws: { region: (process.env["AWS_REGION"] || "[set AWS_REGION in the file .env]") as never } },
      // A mistaken `sst remove` must not delete tasks that were paid for. Any other stage is removed completely.
      removal: production ? "retain" : "remove",
      protect: production,
      // SST would write sst-env.d.ts beside every package.json, and after a failed deployment an incomplete one.
      // infra/check/env.mjs writes the file instead, and a check compares it with the links.
      types: { ignore: ["."] },
    };
  },
  async run() {
    // Throws before anything is made.
    await import("./infra/preflight.ts");
    // This import comes before all components: its settings apply only to those that are created after it.
    await import("./infra/defaults.ts");
    await import("./infra/secret.ts");
    await import("./infra/table.ts");
    await import("./infra/bucket.ts");
    await import("./infra/queue.ts");
    const { callback } = await import("./infra/callback.ts");
    const { stream } = await import("./infra/stream.ts");
    await import("./infra/reduce.ts");
    const { api } = await import("./infra/api.ts");
    await import("./infra/submit.ts");
    await import("./infra/deliver.ts");
    await import("./infra/archive.ts");
    await import("./infra/deadletter.ts");
    await import("./infra/sweep.ts");
    const { setting } = await import("./infra/setting.ts");
    if (setting.alarms) {
      await import("./infra/alarm.ts");
      await import("./infra/dashboard.ts");
    }
    await import("./infra/budget.ts");
    const { consoleSite } = await import("./infra/console.ts");
    const { distributions } = await import("./infra/address.ts");
    return {
      api: api.url,
      callback: callback.url,
      stream: stream.url,
      // Where the DNS records of the host names lead.
      ...Object.fromEntries(distributions.map(({ host, cdn }) => [host, cdn])),
      ...(consoleSite && { console: consoleSite.url, cdn: consoleSite.host }),
    };
  },
});

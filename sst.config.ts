/// <reference path="./.sst/platform/config.d.ts" />

/** SST refuses imports at the top of this file: what there is to deploy is imported in `run`, in the order it is made. */
export default $config({
  app(input) {
    const production = input?.stage === "production";
    return {
      name: "mjflow",
      home: "aws",
      // Tasks that were paid for outlive a mistaken `sst remove`; a trial stage leaves nothing behind.
      removal: production ? "retain" : "remove",
      protect: production,
    };
  },
  async run() {
    // First: what it sets holds for every component made after it.
    await import("./infra/defaults.ts");
    await import("./infra/secret.ts");
    await import("./infra/table.ts");
    await import("./infra/bucket.ts");
    await import("./infra/queue.ts");
    const { callback } = await import("./infra/callback.ts");
    const { api } = await import("./infra/api.ts");
    await import("./infra/submit.ts");
    await import("./infra/deliver.ts");
    await import("./infra/archive.ts");
    await import("./infra/deadletter.ts");
    await import("./infra/sweep.ts");
    await import("./infra/alarm.ts");
    await import("./infra/dashboard.ts");
    await import("./infra/budget.ts");
    const { consoleSite } = await import("./infra/console.ts");
    return {
      api: api.url,
      callback: callback.url,
      ...(consoleSite && { console: consoleSite.url, cdn: consoleSite.host }),
    };
  },
});

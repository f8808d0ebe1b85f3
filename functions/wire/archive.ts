import { base, once } from "./base.ts";
import { media } from "./bucket.ts";

export const wireArchive = /* @__PURE__ */ once(() => ({ ...base("archive"), media: media() }));

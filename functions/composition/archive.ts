import { baseDeps, lazy } from "./base.ts";
import { media } from "./bucket.ts";

export const composeArchive = /* @__PURE__ */ lazy(() => ({ ...baseDeps("archive"), media: media() }));

import { dialect } from "../dialect.ts";

/** `code` and `properties` are typed as strings; the mode is the path's first part. */
export const xfusionai = dialect({
  id: "xfusionai",
  title: "xfusionai",
  sources: ["apifox.com/apidoc/shared/b575efe8-09a6-490b-a2c8-4e22886aeb48 (action, prices)"],
});

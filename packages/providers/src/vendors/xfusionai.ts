import { dialect } from "../dialect.ts";

/** `code` and `properties` are strings. The mode is the first part of the path. */
export const xfusionai = dialect({
  id: "xfusionai",
  title: "xfusionai",
  sources: ["apifox.com/apidoc/shared/b575efe8-09a6-490b-a2c8-4e22886aeb48 (action, prices)"],
});

import type { Dialect } from "../dialect.ts";
import type { DialectId } from "../provider.ts";
import { agicto } from "./agicto.ts";
import { cometapi } from "./cometapi.ts";
import { gitaigc } from "./gitaigc.ts";
import { midjourneyProxy } from "./midjourney-proxy.ts";
import { newapi } from "./newapi.ts";
import { simulator } from "./simulator.ts";
import { trueai } from "./trueai.ts";
import { xfusionai } from "./xfusionai.ts";

/** All dialects. A new vendor needs one file and one line here. */
export const DIALECTS: Readonly<Record<DialectId, Dialect>> = {
  cometapi,
  gitaigc,
  xfusionai,
  agicto,
  "midjourney-proxy": midjourneyProxy,
  trueai,
  newapi,
  simulator,
};

/** All dialects by id. A new vendor needs a file, a line here and fixtures. */
import type { Dialect } from "../dialect.ts";
import { agicto } from "./agicto.ts";
import { cometapi } from "./cometapi.ts";
import { gitaigc } from "./gitaigc.ts";
import { midjourneyProxy } from "./midjourney-proxy.ts";
import { newapi } from "./newapi.ts";
import { simulator } from "./simulator.ts";
import { trueai } from "./trueai.ts";
import { xfusionai } from "./xfusionai.ts";

export const DIALECTS: ReadonlyMap<string, Dialect> = new Map(
  [cometapi, gitaigc, xfusionai, agicto, midjourneyProxy, trueai, newapi, simulator].map((dialect) => [
    dialect.id,
    dialect,
  ]),
);

export const PROVIDER_IDS: readonly string[] = [...DIALECTS.keys()];

/** `cost` counts what a flow uses at AWS and computes the cost of a million flows, with the code of test/cost. */
import { billOf, countedOf, type Line, totalOf } from "../cost/bill.ts";
import { measure } from "../cost/measure.ts";
import price from "../cost/price.json" with { type: "json" };

export interface CostFound {
  flows: number;
  region: string;
  priced: string;
  callbacksPerFlow: number;
  lines: Line[];
  countedUsdPerMillion: number;
  totalUsdPerMillion: number;
}

export async function benchCost({ flows }: { flows: number }): Promise<CostFound> {
  const measured = await measure(flows, [{ press: "upscale:all" }]);
  const lines = billOf(measured);
  return {
    flows,
    region: price.region,
    priced: price.date,
    callbacksPerFlow: measured.callbacks / flows,
    lines,
    countedUsdPerMillion: countedOf(lines),
    totalUsdPerMillion: totalOf(lines),
  };
}

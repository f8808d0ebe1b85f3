/** `cost`: what a flow asks of AWS, counted, and what a million of them would cost; test/cost does both. */
import { billOf, type Line, totalOf } from "../cost/bill.ts";
import { measure } from "../cost/measure.ts";
import price from "../cost/price.json" with { type: "json" };

export interface CostFound {
  flows: number;
  region: string;
  priced: string;
  callbacksPerFlow: number;
  lines: Line[];
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
    totalUsdPerMillion: totalOf(lines),
  };
}

/** `cost` counts what flows use at AWS and computes the cost of a million flows, with the code of test/cost. */
import { measureAll } from "../cost/measure.ts";
import { type CountRow, countRows, PAGE_SCENARIOS, type PriceRow, priceRows } from "../cost/page.ts";
import price from "../cost/price.json" with { type: "json" };

export interface CostFound {
  flows: number;
  region: string;
  priced: string;
  counts: CountRow[];
  prices: PriceRow[];
}

export async function benchCost({ flows }: { flows: number }): Promise<CostFound> {
  const measured = await measureAll(PAGE_SCENARIOS, flows);
  return {
    flows,
    region: price.region,
    priced: price.date,
    counts: countRows(measured),
    prices: priceRows(measured),
  };
}

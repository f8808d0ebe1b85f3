/** Amounts as the console shows them, in US dollars. They are estimates, never a vendor's bill. */

/** Formats an amount: `$0.04`; below one cent with as many digits as needed, at most four. */
export function usd(amount: number): string {
  const rounded = Math.round(amount * 1e4) / 1e4;
  if (rounded !== 0 && Math.abs(rounded) < 0.01) return `$${rounded}`;
  const hasPartOfCent = Math.abs(rounded * 100 - Math.round(rounded * 100)) > 1e-6;
  return `$${rounded.toFixed(hasPartOfCent && Math.abs(rounded) < 1 ? 3 : 2)}`;
}

/** Asks before an act that costs more than the user wants to spend without a question. */
import { useConfirm } from "../kit/confirm.tsx";
import { usd } from "../lib/money.ts";
import { preference } from "../preference.ts";
import { t } from "../text/page-text.ts";

interface PricedAct {
  /** What the button says, for example `Upscale 1`. */
  name: string;
  priceUsd: number;
  /** True: the act can also cost less. */
  isAtMost?: boolean;
  /** What happens. Unset: what it costs. */
  body?: string;
}

/** Returns a function that resolves to false if the user was asked and does not want the act. */
export function useAskPrice(): (act: PricedAct) => Promise<boolean> {
  const confirm = useConfirm();
  return async ({ name, priceUsd, isAtMost, body }) => {
    if (priceUsd <= Number(preference("confirmUsd"))) return true;
    const price = usd(priceUsd);
    const action = `${name} · ${isAtMost ? "≤ " : ""}${price}`;
    return confirm({ title: t.task.ask(name), body: body ?? t.task.costsAbout(price), action });
  };
}

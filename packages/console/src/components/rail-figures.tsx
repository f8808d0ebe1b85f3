/** Figures of the navigation: what the app has spent today, and how many endpoints fail. They are no part of the first view. */
import type { UsageView } from "@mjflow/core/response";
import { useQuery } from "@tanstack/react-query";
import { useNow } from "../hooks.ts";
import { usd } from "../lib/money.ts";
import { hrefOf } from "../lib/route.ts";
import { spendOf } from "../lib/usage.ts";
import { useEndpoints } from "../operate-queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/text.ts";

/** What the app of this key has spent today, of its limit. An app without a limit has no meter. */
export function SpendMeter() {
  const mjflow = useMjflow();
  const now = useNow(60_000);
  const { data } = useQuery({
    // The section Usage of the settings shares the answer.
    queryKey: ["usage", ""],
    queryFn: () => mjflow.request<UsageView>({ path: "/v1/usage" }),
    refetchInterval: 30_000,
  });
  const spend = data && spendOf(data, now);
  if (!spend) return null;
  const { todayUsd, reservedUsd, limitUsd } = spend;
  return (
    <a
      className="spend"
      href={hrefOf({ page: "settings", section: "usage" })}
      title={reservedUsd > 0 ? t.shell.reserved(usd(reservedUsd)) : undefined}
    >
      <span>{t.shell.spentToday}</span>
      <span className="number">
        <strong>{usd(todayUsd)}</strong> {t.shell.ofLimit(usd(limitUsd))}
      </span>
      <progress max={limitUsd || 1} value={limitUsd > 0 ? todayUsd : 1} aria-hidden="true" />
    </a>
  );
}

/** Number of webhook endpoints whose deliveries fail now. */
export function FailingBadge() {
  const { data } = useEndpoints(60_000);
  const count = data?.filter(({ enabled, failingSince }) => enabled && failingSince !== null).length;
  return count ? <span className="badge bad">{t.shell.failing(count)}</span> : null;
}

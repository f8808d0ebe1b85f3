/** Credit and usage of this key's app; nothing if its usage is not counted. */
import type { UsageView } from "@mjflow/core/response";
import { useQuery } from "@tanstack/react-query";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";

export function UsageFigures() {
  const mjflow = useMjflow();
  const { data } = useQuery({
    queryKey: ["usage"],
    queryFn: () => mjflow.request<UsageView>({ path: "/v1/usage" }),
    refetchInterval: 15_000,
  });
  if (!data?.counted) return null;
  return (
    <section aria-labelledby="usage">
      <h2 id="usage">{t.health.usage}</h2>
      <dl className="counts">
        {(
          [
            [t.health.left, data.balanceUsd],
            [t.health.reserved, data.reservedUsd],
            [t.health.spent, data.settledUsd],
          ] as const
        ).map(([name, usd]) =>
          usd === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>${usd.toFixed(2)}</dd>
            </div>
          ),
        )}
        <div>
          <dt>{t.health.runningFlows}</dt>
          <dd>{data.runningFlows}</dd>
        </div>
      </dl>
    </section>
  );
}

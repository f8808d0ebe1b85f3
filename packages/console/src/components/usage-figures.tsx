/** Credit and usage of this key's app; nothing if its usage is not counted. */
import { useQuery } from "@tanstack/react-query";
import { useMjflow } from "../session.ts";

interface UsageView {
  balanceUsd: number | null;
  counted: boolean;
  reservedUsd: number;
  settledUsd: number;
  runningFlows: number;
}

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
      <h2 id="usage">Usage</h2>
      <dl className="counts">
        {(
          [
            ["left", data.balanceUsd],
            ["reserved", data.reservedUsd],
            ["spent", data.settledUsd],
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
          <dt>running flows</dt>
          <dd>{data.runningFlows}</dd>
        </div>
      </dl>
    </section>
  );
}

/** Says that a real vendor has never called back, and how callbacks can reach mjflow. Shown to the operator. */
import { Icon } from "../kit/icon.tsx";
import { Rich } from "../kit/rich.tsx";
import { useIsOperator, useProviders } from "../queries.ts";
import { t } from "../text/page-text.ts";

const COMMAND = "npx mjflow dev --tunnel";

export function PollingBanner() {
  const isOperator = useIsOperator();
  const { data } = useProviders();
  const silent = (data ?? []).flatMap(({ id, accounts }) =>
    accounts
      .filter(({ simulated, callbacks, heardAt }) => !simulated && callbacks === "silent" && heardAt === null)
      .map(({ name }) => `${id}/${name}`),
  );
  if (!isOperator || silent.length === 0) return null;
  return (
    <p className="note polling" role="status">
      <Icon name="triangle-alert" />
      <span>
        <Rich
          text={t.vendors.polling}
          parts={{
            accounts: <bdi>{silent.join(", ")}</bdi>,
            command: <code>{COMMAND}</code>,
            setting: <code>MJFLOW_PUBLIC_URL</code>,
          }}
        />
      </span>
    </p>
  );
}

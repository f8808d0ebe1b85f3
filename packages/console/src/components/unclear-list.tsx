/** Unclear submissions of all apps. Only the operator key can read them. */
import type { UnclearTask } from "@mjflow/client";
import { useNow } from "../hooks.ts";
import { nameOfTask } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import { ago, clock } from "../lib/time.ts";
import { useUnclear } from "../operate-queries.ts";
import { isNotFound, toMjflowError } from "../queries.ts";
import { t } from "../text/page-text.ts";
import { Problem } from "./problem.tsx";

export function UnclearList() {
  const { data, error } = useUnclear();
  const now = useNow(5_000);
  if (isNotFound(error) || (!data && !error)) return null;
  return (
    <section aria-labelledby="unclear">
      <h2 id="unclear">{t.health.unclear}</h2>
      {error && <Problem error={toMjflowError(error)} />}
      {data?.data.length === 0 && (
        <p className="well">{data.whole ? t.common.none : t.health.noneAmong(data.looked)}</p>
      )}
      <ul className="plain">
        {data?.data.map((task) => (
          <UnclearRow key={task.id} task={task} now={now} />
        ))}
      </ul>
      {data && data.data.length > 0 && !data.whole && <p className="faint small">{t.health.mayBeMore}</p>}
    </section>
  );
}

function UnclearRow({ task, now }: { task: UnclearTask; now: number }) {
  const { id, flowId, appId, press, action, provider, account, attempt, createdAt, dueAt } = task;
  return (
    <li>
      <a href={hrefOf({ page: "flow", id: flowId, task: id })}>{nameOfTask({ press, action })}</a>{" "}
      <span className="faint small">
        <bdi>
          {provider}/{account}
        </bdi>{" "}
        {t.health.mayHaveIt} · {t.health.attempt(attempt)} · {ago(createdAt, now)}
        {dueAt && ` · ${t.health.waitsUntil(clock(dueAt))}`} · <bdi className="mono">{appId}</bdi>
      </span>
    </li>
  );
}

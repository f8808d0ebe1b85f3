/** Queue depths and overdue work. Only the operator key can read them; other keys do not see these sections. */
import { useNow } from "../hooks.ts";
import { hrefOf } from "../lib/route.ts";
import { ago } from "../lib/time.ts";
import { useOverdue, useQueues } from "../operate-queries.ts";
import { isNotFound, toMjflowError } from "../queries.ts";
import { t } from "../text/page-text.ts";
import { locale } from "../text/text.ts";
import { Problem } from "./problem.tsx";

export function Queues() {
  const { data, error } = useQueues();
  if (isNotFound(error) || (!data && !error)) return null;
  return (
    <section aria-labelledby="queues">
      <h2 id="queues">{t.health.queues}</h2>
      {error && <Problem error={toMjflowError(error)} />}
      {data && (
        <div className="card sheet">
          <table>
            <thead>
              <tr>
                <th scope="col">{t.health.queue}</th>
                <th scope="col">{t.health.waiting}</th>
                <th scope="col">{t.health.inFlight}</th>
                <th scope="col">{t.health.delayed}</th>
              </tr>
            </thead>
            <tbody>
              {data.map(({ name, waiting, inFlight, delayed }) => (
                <tr key={name}>
                  <th scope="row">
                    <code>{name}</code> <span className="faint small">{t.health.contents[name]}</span>
                  </th>
                  {[waiting, inFlight, delayed].map((count, i) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: the three columns never change
                    <td key={i} className={count === 0 ? "faint" : name === "dead-letters" ? "bad" : undefined}>
                      {count.toLocaleString(locale())}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** The sweeper runs each minute. Work that is overdue for five minutes means that the sweeper does not keep up. */
const SWEPT_MS = 5 * 60_000;

export function Overdue() {
  const { data, error } = useOverdue();
  const now = useNow(5_000);
  if (isNotFound(error) || (!data && !error)) return null;
  const oldest = data?.oldest;
  const isLate = oldest != null && now - Date.parse(oldest.dueAt) > SWEPT_MS;
  return (
    <section aria-labelledby="overdue">
      <h2 id="overdue">{t.health.overdue}</h2>
      {error && <Problem error={toMjflowError(error)} />}
      {data && !oldest && <p className="well">{t.health.noOverdue}</p>}
      {oldest && (
        <p className={isLate ? "problem" : "card small"}>
          <span>
            {t.health.overdueText(
              data.count,
              data.whole,
              isLate,
              t.health.overdueKinds[oldest.kind] ?? oldest.kind,
              ago(oldest.dueAt, now),
            )}{" "}
            <a className="break" href={hrefOf({ page: "flow", id: oldest.flowId, task: taskOf(oldest) })}>
              {oldest.id}
            </a>
          </span>
        </p>
      )}
    </section>
  );
}

function taskOf({ kind, id }: { kind: string; id: string }): string | undefined {
  return kind === "task" ? id : undefined;
}

/** Queue depths and overdue work. Only the operator key can read them; other keys do not see these sections. */
import type { QueueDepth } from "@mjflow/client";
import { useNow } from "../hooks.ts";
import { hrefOf } from "../lib/route.ts";
import { ago } from "../lib/time.ts";
import { isNotFound, toMjflowError, useOverdue, useQueues } from "../queries.ts";
import { Problem } from "./problem.tsx";

const CONTENT: Record<QueueDepth["name"], string> = {
  submit: "submissions",
  deliver: "webhook deliveries",
  archive: "images to archive",
  "dead-letters": "dead-letter queue",
};

export function Queues() {
  const { data, error } = useQueues();
  if (isNotFound(error) || (!data && !error)) return null;
  return (
    <section aria-labelledby="queues">
      <h2 id="queues">Queues</h2>
      {error && <Problem error={toMjflowError(error)} />}
      {data && (
        <div className="card sheet">
          <table>
            <thead>
              <tr>
                <th scope="col">queue</th>
                <th scope="col">waiting</th>
                <th scope="col">in flight</th>
                <th scope="col">delayed</th>
              </tr>
            </thead>
            <tbody>
              {data.map(({ name, waiting, inFlight, delayed }) => (
                <tr key={name}>
                  <th scope="row">
                    {name} <span className="faint small">{CONTENT[name]}</span>
                  </th>
                  {[waiting, inFlight, delayed].map((count, i) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: the three columns never change
                    <td key={i} className={count === 0 ? "faint" : name === "dead-letters" ? "bad" : undefined}>
                      {count.toLocaleString("en")}
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
      <h2 id="overdue">Overdue</h2>
      {error && <Problem error={toMjflowError(error)} />}
      {data && !oldest && <p className="well">No overdue work.</p>}
      {oldest && (
        <p className={isLate ? "problem" : "card small"}>
          <span>
            {data.count.toLocaleString("en")}
            {!data.whole && " and more"}, {isLate ? "and the sweeper does not keep up" : "handled within a minute"}. The
            oldest, a {oldest.kind}, was due {ago(oldest.dueAt, now)}:{" "}
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

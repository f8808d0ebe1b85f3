/** How much waits in the queues, and what should have gone on by now. For the operator's key; another's page has none of it. */
import type { QueueDepth } from "@mjflow/client";
import { useNow } from "../hooks.ts";
import { hrefOf } from "../lib/route.ts";
import { ago } from "../lib/time.ts";
import { isNotFound, toMjflowError, useOverdue, useQueues } from "../queries.ts";
import { Problem } from "./problem.tsx";

const CARRIES: Record<QueueDepth["name"], string> = {
  submit: "work for vendors",
  deliver: "news for apps",
  archive: "pictures to copy",
  "dead-letters": "failed every time",
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
                <th scope="col">at work</th>
                <th scope="col">delayed</th>
              </tr>
            </thead>
            <tbody>
              {data.map(({ name, waiting, inFlight, delayed }) => (
                <tr key={name}>
                  <th scope="row">
                    {name} <span className="faint small">{CARRIES[name]}</span>
                  </th>
                  {[waiting, inFlight, delayed].map((count, i) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: three columns, always these
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

/** The sweeper comes by each minute; what it has passed over for five it cannot keep up with. */
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
      {data && !oldest && <p className="well">Nothing: whatever was due has gone on.</p>}
      {oldest && (
        <p className={isLate ? "problem" : "card small"}>
          <span>
            {data.count.toLocaleString("en")}
            {!data.whole && " and more"},{" "}
            {isLate ? "and the sweeper does not keep up" : "to be swept within the minute"}. The oldest, a {oldest.kind}
            , was due {ago(oldest.dueAt, now)}:{" "}
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

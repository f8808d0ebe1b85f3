/** Dead-letter messages, with redrive and discard for the operator. */
import type { DeadLetter } from "@mjflow/client";
import { useQuery } from "@tanstack/react-query";
import { useNow } from "../hooks.ts";
import { ago } from "../lib/time.ts";
import { isNotFound, toMjflowError, useAction } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { Problem } from "./problem.tsx";

export function DeadLetterList() {
  const mjflow = useMjflow();
  const { data, error, refetch } = useQuery({
    queryKey: ["dead-letters"],
    queryFn: async () => (await mjflow.deadLetters.list().page()).data,
    refetchInterval: 15_000,
  });
  return (
    <section aria-labelledby="dead-letters">
      <h2 id="dead-letters">Dead-letter messages</h2>
      {isNotFound(error) ? (
        <p className="faint small">Only the operator key can see these.</p>
      ) : (
        error && <Problem error={toMjflowError(error)} />
      )}
      {data?.length === 0 && <p className="well">None.</p>}
      <ul className="card sheet deliveries">
        {data?.map((deadLetter) => (
          <DeadLetterRow key={deadLetter.id} deadLetter={deadLetter} onChanged={() => void refetch()} />
        ))}
      </ul>
    </section>
  );
}

function DeadLetterRow({ deadLetter, onChanged }: { deadLetter: DeadLetter; onChanged: () => void }) {
  const { deadLetters } = useMjflow();
  const { act, busy, error, clear } = useAction();
  const now = useNow(10_000);
  const { id, state, why, body, receives, createdAt } = deadLetter;
  const run = (name: string, work: () => Promise<unknown>) => void act(name, work).then(onChanged);
  return (
    <li className="delivery">
      <details>
        <summary>
          <span className="break">{why}</span>
          <span className="faint small">
            {ago(createdAt, now)} · received {receives} times
          </span>
          <span className={`status ${state === "kept" ? "ask" : "off"}`}>{state}</span>
        </summary>
        <pre className="code">{body}</pre>
        <Problem error={error} onClose={clear} />
        {state === "kept" && (
          <div className="chips">
            <button type="button" disabled={!!busy} onClick={() => run("redrive", () => deadLetters.redrive(id))}>
              Redrive
            </button>
            <button
              type="button"
              className="danger"
              disabled={!!busy}
              onClick={() => run("drop", () => deadLetters.discard(id))}
            >
              Discard
            </button>
          </div>
        )}
      </details>
    </li>
  );
}

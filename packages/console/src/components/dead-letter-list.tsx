/** Messages that nobody could read, and what a person may decide on them. */
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
    <section aria-labelledby="letters">
      <h2 id="letters">Dead letters</h2>
      {isNotFound(error) ? (
        <p className="faint small">For the operator's key only.</p>
      ) : (
        error && <Problem error={toMjflowError(error)} />
      )}
      {data?.length === 0 && <p className="well">None: every message could be read.</p>}
      <ul className="card sheet deliveries">
        {data?.map((deadLetter) => (
          <DeadLetterRow key={deadLetter.id} letter={deadLetter} onChanged={() => void refetch()} />
        ))}
      </ul>
    </section>
  );
}

function DeadLetterRow({ letter: deadLetter, onChanged }: { letter: DeadLetter; onChanged: () => void }) {
  const { deadLetters } = useMjflow();
  const { act, busy, error, clear } = useAction();
  const now = useNow(10_000);
  const { id, state, why, body, receives, createdAt } = deadLetter;
  const doIt = (name: string, work: () => Promise<unknown>) => void act(name, work).then(onChanged);
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
            <button type="button" disabled={!!busy} onClick={() => doIt("redrive", () => deadLetters.redrive(id))}>
              Send once more
            </button>
            <button
              type="button"
              className="danger"
              disabled={!!busy}
              onClick={() => doIt("drop", () => deadLetters.drop(id))}
            >
              Let it go
            </button>
          </div>
        )}
      </details>
    </li>
  );
}

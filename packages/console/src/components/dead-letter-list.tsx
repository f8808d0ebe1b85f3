/** Dead-letter messages, with redrive and discard for the operator. */
import type { DeadLetter } from "@mjflow/client";
import { useNow } from "../hooks.ts";
import { Code } from "../kit/code.tsx";
import { ago } from "../lib/time.ts";
import { useDeadLetters } from "../operate-queries.ts";
import { isNotFound, toMjflowError, useAction } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { Problem } from "./problem.tsx";

export function DeadLetterList() {
  const { data, error, refetch } = useDeadLetters();
  if (isNotFound(error) || (!data && !error)) return null;
  return (
    <section aria-labelledby="dead-letters">
      <h2 id="dead-letters">{t.health.deadLetters}</h2>
      {error && <Problem error={toMjflowError(error)} />}
      {data?.length === 0 && <p className="well">{t.common.none}</p>}
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
  const { act, off, error, clear } = useAction();
  const now = useNow(10_000);
  const { id, state, why, body, receives, createdAt } = deadLetter;
  const run = (name: string, work: () => Promise<unknown>) => void act(name, work).then(onChanged);
  return (
    <li className="delivery">
      <details>
        <summary>
          <span className="break">{why}</span>
          <span className="faint small">{t.health.received(ago(createdAt, now), receives)}</span>
          <span className={`status ${state === "kept" ? "ask" : "off"}`}>{t.status[state]}</span>
        </summary>
        <Code>{body}</Code>
        <Problem error={error} onClose={clear} />
        {state === "kept" && (
          <div className="chips">
            <button type="button" {...off} onClick={() => run("redrive", () => deadLetters.redrive(id))}>
              {t.health.redrive}
            </button>
            <button
              type="button"
              className="danger"
              {...off}
              onClick={() => run("drop", () => deadLetters.discard(id))}
            >
              {t.health.discard}
            </button>
          </div>
        )}
      </details>
    </li>
  );
}

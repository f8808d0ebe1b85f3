/** Tasks that wait for a modal answer. */
import { useNow } from "../hooks.ts";
import { nameOfTask } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import { ago } from "../lib/time.ts";
import { useOpenModals } from "../operate-queries.ts";
import { t } from "../text/page-text.ts";

export function ModalList() {
  const { modals, looked } = useOpenModals();
  const now = useNow(5_000);
  return (
    <section aria-labelledby="modals">
      <h2 id="modals">{t.health.modals}</h2>
      {modals.length === 0 && <p className="well">{looked === 0 ? t.health.noneRunning : t.health.noModals(looked)}</p>}
      <ul className="plain">
        {modals.map((task) => (
          <li key={task.id}>
            <a href={hrefOf({ page: "flow", id: task.flowId, task: task.id })}>{nameOfTask(task)}</a>{" "}
            <span className="faint small">{t.health.needsAnswer(ago(task.createdAt, now))}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

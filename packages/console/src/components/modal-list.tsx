/** Tasks that wait for a modal answer. */
import { useNow } from "../hooks.ts";
import { pressLabel } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import { ago } from "../lib/time.ts";
import { useOpenModals } from "../queries.ts";

export function ModalList() {
  const { modals, looked } = useOpenModals();
  const now = useNow(5_000);
  return (
    <section aria-labelledby="modals">
      <h2 id="modals">Waiting for modal answers</h2>
      {modals.length === 0 && (
        <p className="well">
          {looked === 0 ? "No flow is running." : `No task in the ${looked} newest running flows waits for an answer.`}
        </p>
      )}
      <ul className="plain">
        {modals.map((task) => (
          <li key={task.id}>
            <a href={hrefOf({ page: "flow", id: task.flowId, task: task.id })}>
              {task.press === null ? task.action.toLowerCase() : pressLabel(task.press)}
            </a>{" "}
            <span className="faint small">needs a prompt or a region · {ago(task.createdAt, now)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

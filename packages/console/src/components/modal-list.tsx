/** Vendors' windows that wait for a person. */

import { useNow } from "../hooks.ts";
import { pressLabel } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import { ago } from "../lib/time.ts";
import { useOpenModals } from "../queries.ts";

export function ModalList() {
  const { windows, looked } = useOpenModals();
  const now = useNow(5_000);
  return (
    <section aria-labelledby="windows">
      <h2 id="windows">Waiting for a person</h2>
      {windows.length === 0 && (
        <p className="well">
          {looked === 0 ? "No flow is running." : `No window is open in the ${looked} newest flows that run.`}
        </p>
      )}
      <ul className="plain">
        {windows.map((task) => (
          <li key={task.id}>
            <a href={hrefOf({ page: "flow", id: task.flowId, task: task.id })}>
              {task.press === null ? task.action.toLowerCase() : pressLabel(task.press)}
            </a>{" "}
            <span className="faint small">asks for a prompt or a region · {ago(task.createdAt, now)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

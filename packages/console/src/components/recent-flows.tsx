/** The newest flows below the form, as images. */
import { NO_FILTER } from "../lib/filter.ts";
import { actionLabel } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import { safeImageUrl } from "../lib/safe.ts";
import { useFlowList } from "../queries.ts";
import { t } from "../text/text.ts";
import { ResultImage } from "./result-image.tsx";
import { Status } from "./status.tsx";

const SHOWN = 12;

export function RecentFlows() {
  const { flows } = useFlowList(NO_FILTER);
  if (flows.length === 0) return null;
  return (
    <section aria-labelledby="recent">
      <h2 id="recent">{t.flows.recent}</h2>
      <ul className="recent">
        {flows.slice(0, SHOWN).map(({ id, prompt, action, status, previewUrl, taskCounts }) => {
          const image = safeImageUrl(previewUrl);
          return (
            <li key={id}>
              <a href={hrefOf({ page: "flow", id })}>
                {!image && status === "running" ? <span className="image soon" /> : <ResultImage src={image} alt="" />}
                <span className="clip" dir="auto">
                  {prompt ?? actionLabel(action)}
                </span>
                <span className="small faint">
                  <Status of={status} />
                  {taskCounts &&
                    taskCounts.planned + taskCounts.running > 0 &&
                    ` ${t.flows.doneCount(taskCounts.done)}`}
                </span>
              </a>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Templates of the app: plans that it stores under names. */
import { useQueryClient } from "@tanstack/react-query";
import { Problem } from "../components/problem.tsx";
import { useNow } from "../hooks.ts";
import { useConfirm } from "../kit/confirm.tsx";
import { Icon } from "../kit/icon.tsx";
import { hrefOf } from "../lib/route.ts";
import { countSteps, planText } from "../lib/template.ts";
import { ago } from "../lib/time.ts";
import { toMjflowError, useAction, useTemplates } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";

export function Templates() {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const confirm = useConfirm();
  const { act, off, error: actionError, clear } = useAction();
  const { data, error } = useTemplates();
  const now = useNow(30_000);
  if (error) return <Problem error={toMjflowError(error)} />;
  if (!data) return <div className="skeleton setting-soon" />;
  async function remove(name: string) {
    const { deleteTitle, deleteBody: body, delete: action } = t.templates;
    if (!(await confirm({ title: deleteTitle(name), body, action, isDangerous: true }))) return;
    await act("delete", async () => {
      await mjflow.templates.delete(name);
      await queries.invalidateQueries({ queryKey: ["templates"] });
    });
  }
  return (
    <>
      <p className="faint">{t.templates.about}</p>
      <Problem error={actionError} onClose={clear} />
      {data.length === 0 && <p className="empty">{t.templates.nothing}</p>}
      <ul className="plain template-list">
        {data.map(({ name, description, then, updatedAt }) => (
          <li key={name} className="card">
            <header>
              <div>
                <h3>
                  <bdi>{name}</bdi>
                </h3>
                {description && (
                  <p>
                    <bdi>{description}</bdi>
                  </p>
                )}
                <p className="faint small">
                  {t.templates.steps(countSteps(then))} · {planText(then)} · {ago(updatedAt, now)}
                </p>
              </div>
              <div className="actions">
                <a className="button" href={hrefOf({ page: "create", query: { template: name } })}>
                  <Icon name="sparkles" />
                  {t.templates.use}
                </a>
                <button type="button" className="danger" {...off} onClick={() => void remove(name)}>
                  {t.common.delete}
                </button>
              </div>
            </header>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The sessions that stand for a key of this app, and the end of each. */
import type { Session } from "@mjflow/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Problem } from "../components/problem.tsx";
import { useNow } from "../hooks.ts";
import { ago } from "../lib/time.ts";
import { toMjflowError, useAction } from "../queries.ts";
import { useSession } from "../session.ts";
import { t } from "../text/page-text.ts";

export function SessionList() {
  const { mjflow, signOut } = useSession();
  const queries = useQueryClient();
  const now = useNow(30_000);
  const { act, off, error, clear } = useAction();
  const { data, error: readError } = useQuery({
    queryKey: ["sessions"],
    queryFn: () => mjflow.sessions.list().take(Number.POSITIVE_INFINITY),
  });
  if (readError) return <Problem error={toMjflowError(readError)} />;
  if (!data) return <div className="skeleton setting-soon" />;
  const others = data.filter(({ current }) => !current);
  const end = (ended: readonly Session[]) =>
    act(ended.map(({ id }) => id).join(" "), async () => {
      for (const { id } of ended) await mjflow.sessions.end(id);
      await queries.invalidateQueries({ queryKey: ["sessions"] });
    });
  return (
    <div className="card">
      <p className="faint">{t.sessions.about}</p>
      <Problem error={error} onClose={clear} />
      <div className="sheet-scroll">
        <table className="setting-table stacked">
          <thead>
            <tr>
              <th>{t.sessions.name}</th>
              <th>{t.sessions.signedIn}</th>
              <th>{t.sessions.lastUsed}</th>
              <th>{t.sessions.until}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {data.map((each) => (
              <tr key={each.id}>
                <th scope="row">
                  <bdi>{each.label ?? t.sessions.unnamed}</bdi>{" "}
                  {each.current && <span className="tag">{t.sessions.current}</span>}
                  {each.kind === "link" && <span className="tag">{t.sessions.link}</span>}
                </th>
                <td data-label={t.sessions.signedIn}>{each.kind === "link" ? "–" : ago(each.createdAt, now)}</td>
                <td data-label={t.sessions.lastUsed}>{each.lastUsedOn ?? t.sessions.never}</td>
                <td data-label={t.sessions.until}>{each.expiresAt.slice(0, 10)}</td>
                <td>
                  <button
                    type="button"
                    {...off}
                    aria-label={each.current ? t.shell.signOut : t.sessions.endOne(each.label ?? each.id)}
                    onClick={() => (each.current ? signOut() : void end([each]))}
                  >
                    {each.current ? t.shell.signOut : t.sessions.end}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {others.length > 1 && (
        <div className="actions end">
          <button type="button" className="danger" {...off} onClick={() => void end(others)}>
            {t.sessions.endOthers}
          </button>
        </div>
      )}
    </div>
  );
}

/** Words that this deployment sends to no vendor. */
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Problem } from "../components/problem.tsx";
import { Icon } from "../kit/icon.tsx";
import { toMjflowError, useAction } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";

interface BannedList {
  words: string[];
  configured: string[];
  updatedAt: string | null;
}

export function BannedWords() {
  const mjflow = useMjflow();
  const { act, off, error, clear } = useAction();
  const [text, setText] = useState("");
  const {
    data,
    error: readError,
    refetch,
  } = useQuery({
    queryKey: ["banned-words"],
    queryFn: () => mjflow.request<BannedList>({ path: "/v1/banned-words" }),
  });
  const save = (words: readonly string[]) =>
    act("save", async () => {
      await mjflow.request({ method: "PUT", path: "/v1/banned-words", body: { words } });
      await refetch();
    });
  async function add(event: FormEvent) {
    event.preventDefault();
    const added = text
      .split(/[\n,]/)
      .map((word) => word.trim())
      .filter(Boolean);
    const words = [...new Set([...(data?.words ?? []), ...added])];
    if (added.length > 0 && (await save(words))) setText("");
  }
  if (readError) return <Problem error={toMjflowError(readError)} />;
  if (!data) return <div className="skeleton setting-soon" />;
  return (
    <div className="card setting-form">
      <p className="faint">{t.banned.about}</p>
      <form className="row add" onSubmit={add}>
        <label>
          {t.banned.add}
          <input value={text} placeholder={t.banned.addHint} onChange={(event) => setText(event.target.value)} />
        </label>
        <button type="submit" {...off} disabled={off.disabled || text.trim() === ""}>
          <Icon name="plus" />
          {t.common.add}
        </button>
      </form>
      <Problem error={error} onClose={clear} />
      <ul className="chips" aria-label={t.settings.banned}>
        {data.words.map((word) => (
          <li key={word}>
            <button
              type="button"
              className="chip"
              {...off}
              aria-label={t.banned.remove(word)}
              onClick={() => void save(data.words.filter((other) => other !== word))}
            >
              <bdi>{word}</bdi>
              <Icon name="x" size="tiny" />
            </button>
          </li>
        ))}
      </ul>
      {data.words.length === 0 && <p className="well">{t.banned.none}</p>}
      {data.configured.length > 0 && (
        <details>
          <summary>{t.banned.configured(data.configured.length)}</summary>
          <p className="small">{data.configured.join(", ")}</p>
        </details>
      )}
    </div>
  );
}

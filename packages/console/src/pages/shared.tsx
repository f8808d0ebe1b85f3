/** The page of a share link: a flow for people without a key. It needs no session and can only look. */
import { isMjflowError, type SharedFlow } from "@mjflow/client";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Problem } from "../components/problem.tsx";
import { SharedLightbox } from "../components/shared-lightbox.tsx";
import { Status } from "../components/status.tsx";
import { shownSleep, watchedFetch } from "../connection.ts";
import { Icon } from "../kit/icon.tsx";
import { resultsOf, type SharedResult, type SharedShot, shotsOfResult } from "../lib/shared.ts";
import { toMjflowError } from "../queries.ts";
import { apiUrl, apiWith } from "../session.ts";
import { t } from "../text/page-text.ts";
import { t as first, locale } from "../text/text.ts";

/** Links to pictures work for at least half an hour. An ended flow is read again before that. */
const NEW_LINKS_MS = 20 * 60_000;
const RETRY_MS = 15_000;
/** Shortest pause between two reads: all viewers of a link share its limit. */
const READ_MS = 5_000;

export default function SharedPage({ link }: { link: string }) {
  // A text in another form cannot be sent as a key.
  return /^mjv_\w+$/.test(link) ? <LivePage link={link} /> : <Ended />;
}

function LivePage({ link }: { link: string }) {
  const [mjflow] = useState(() =>
    apiWith({ baseUrl: apiUrl(), apiKey: link, fetch: watchedFetch(apiUrl()), sleep: shownSleep, maxRetries: 0 }),
  );
  const { data, error } = useQuery({
    queryKey: ["shared", link],
    queryFn: ({ signal }) => mjflow.shares.read({ signal }),
    refetchInterval: ({ state }) => {
      if (state.error) return isGone(state.error) ? false : RETRY_MS;
      const { nextInMs = null } = state.data ?? {};
      return nextInMs === null ? NEW_LINKS_MS : Math.max(nextInMs, READ_MS);
    },
  });
  if (error && isGone(error)) return <Ended />;
  if (!data)
    return (
      <main className="shared">
        {error ? (
          <Trouble error={error} />
        ) : (
          <div className="skeleton shared-soon" role="status" aria-label={first.common.loading} />
        )}
      </main>
    );
  return (
    <main className="shared">
      {error && <Trouble error={error} />}
      <Content flow={data} />
    </main>
  );
}

/** The link does not work. A text that is no link at all gets 401, and for the viewer it is the same. */
function isGone(error: Error): boolean {
  return isMjflowError(error) && (error.code === "share_not_found" || error.status === 401);
}

function Ended() {
  useTitle(t.shared.title);
  return (
    <main className="sign-in">
      <div className="card shared-ended">
        <Icon name="link" size="large" />
        <h1>{t.shared.ended}</h1>
        <p className="faint">{t.shared.endedAdvice}</p>
      </div>
    </main>
  );
}

function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title.slice(0, 80)} · mjflow`;
  }, [title]);
}

function Trouble({ error }: { error: Error }) {
  const problem = toMjflowError(error);
  if (problem.status === 429)
    return (
      <p className="note" role="status">
        {t.shared.tooOften}
      </p>
    );
  return <Problem error={problem} />;
}

function Content({ flow }: { flow: SharedFlow }) {
  const { status, prompt, createdAt, expiresAt, plannedTasks } = flow;
  const [opened, setOpened] = useState<string>();
  const results = resultsOf(flow);
  const shots = results.flatMap(shotsOfResult);
  const title = prompt ?? t.shared.title;
  useTitle(title);
  // The picture that was shown last gets the focus.
  const close = () => {
    const picture = document.querySelector<HTMLElement>(`[data-shot="${CSS.escape(opened ?? "")}"]`);
    setOpened(undefined);
    requestAnimationFrame(() => picture?.focus({ preventScroll: true }));
  };
  return (
    <>
      <header className="shared-head">
        <p className="small faint">{t.shared.readOnly(dateOf(expiresAt))}</p>
        <h1 className="shared-prompt" dir="auto">
          {title}
        </h1>
        <p className="facts">
          <Status of={status} isPill />
          <time dateTime={createdAt}>{dateOf(createdAt)}</time>
          {plannedTasks > 0 && <span>{t.shared.steps(plannedTasks)}</span>}
        </p>
      </header>
      {results.length === 0 && <p className="empty">{t.shared.nothing}</p>}
      <ul className="shared-results" aria-label={t.shared.results}>
        {results.map((result) => (
          <Result key={result.task.id} result={result} onOpen={setOpened} />
        ))}
      </ul>
      <footer className="small faint">{t.shared.madeWith}</footer>
      {opened !== undefined && <SharedLightbox shots={shots} current={opened} onShow={setOpened} onClose={close} />}
    </>
  );
}

function Result({ result, onOpen }: { result: SharedResult; onOpen(id: string): void }) {
  const { task, way } = result;
  const { status, progress, text, hasUnsharedPictures } = task;
  const shots = shotsOfResult(result);
  const isRunning = ["PENDING", "SUBMITTING", "SUBMITTED", "IN_PROGRESS", "MODAL"].includes(status);
  return (
    <li className={way.length === 1 ? "card shared-result root" : "card shared-result"}>
      <div className="shared-title">
        <h2 className="small">{way.join(" › ")}</h2>
        {status !== "SUCCESS" && <Status of={status} />}
      </div>
      {shots.length > 0 && (
        <div className="shared-pictures">
          {shots.map((shot) => (
            <Picture key={shot.id} shot={shot} onOpen={() => onOpen(shot.id)} />
          ))}
        </div>
      )}
      {isRunning && <progress max={100} value={progress} aria-label={way.join(" › ")} />}
      {hasUnsharedPictures && <p className="faint small">{t.shared.notShared}</p>}
      {text !== null && (
        <p className="quote small" dir="auto">
          {text}
        </p>
      )}
    </li>
  );
}

function Picture({ shot, onOpen }: { shot: SharedShot; onOpen(): void }) {
  const [failed, setFailed] = useState("");
  const { kind, url, label } = shot;
  // A later read has another link, and the picture is tried again.
  if (failed === url) return <p className="image gone">{t.shared.couldNotLoad}</p>;
  return (
    <button
      type="button"
      className="shared-picture"
      data-shot={shot.id}
      aria-label={t.shared.open(label)}
      onClick={onOpen}
    >
      {kind === "video" ? (
        <video src={url} muted playsInline preload="metadata" onError={() => setFailed(url)} />
      ) : (
        <img
          src={url}
          alt=""
          loading="lazy"
          decoding="async"
          referrerPolicy="no-referrer"
          onError={() => setFailed(url)}
        />
      )}
      {kind === "video" && <Icon name="play" size="large" />}
    </button>
  );
}

/** Date and time of the day in the language and the time zone of the viewer. */
function dateOf(iso: string): string {
  return new Date(iso).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

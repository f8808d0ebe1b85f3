/** All pictures and videos of all flows, newest first. */
import { useQuery } from "@tanstack/react-query";
import { lazy, useCallback, useMemo, useState } from "react";
import { EmptyList } from "../components/empty-list.tsx";
import { LoadMore } from "../components/load-more.tsx";
import { PictureGrid } from "../components/picture-grid.tsx";
import { Problem } from "../components/problem.tsx";
import { ResultImage } from "../components/result-image.tsx";
import { ShotLightbox } from "../components/shot-lightbox.tsx";
import { downloadZip } from "../download.ts";
import { replaceQuery, useAtTop, useHash, useMedia } from "../hooks.ts";
import { Icon } from "../kit/icon.tsx";
import { Part } from "../kit/part.tsx";
import { TextFilter } from "../kit/text-filter.tsx";
import { useToasts } from "../kit/toast.tsx";
import { actionLabel } from "../lib/press.ts";
import { hrefOf, type Query, withQuery } from "../lib/route.ts";
import { safeImageUrl } from "../lib/safe.ts";
import { type Shot, shotsOf } from "../lib/shot.ts";
import { setPreference, usePreference } from "../preference.ts";
import { type PictureFilter, usePictures, useRunningCount } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/text.ts";

const ComposerPill = lazy(() => import("../components/composer-pill.tsx"));

const ACTIONS = ["IMAGINE", "UPSCALE", "VARIATION", "REROLL", "ZOOM", "PAN", "INPAINT", "VIDEO", "BLEND"] as const;
const DAYS = [1, 7, 30];

export default function GalleryPage({ query }: { query: Query }) {
  const { kind = "", action = "", days = "", q = "", pic } = query;
  const isAtTop = useAtTop();
  const filter = useMemo<PictureFilter>(
    () => ({ action, kind: kind === "image" || kind === "video" ? kind : "", since: sinceOf(days) }),
    [action, kind, days],
  );
  const { pictures, isLoading, error, more } = usePictures(filter, isAtTop);
  const shots = useMemo(() => {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = ({ prompt, state }: (typeof pictures)[number]) =>
      words.every((word) => `${prompt ?? ""} ${state ?? ""}`.toLowerCase().includes(word));
    return pictures.filter(matches).flatMap(shotsOf);
  }, [pictures, q]);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const rowHeight = Number(usePreference("rowHeight"));
  const hash = useHash();
  const isPhone = useMedia("(max-width: 720px)");
  const isFiltered = kind !== "" || action !== "" || days !== "" || q !== "";
  const chosen = shots.filter(({ id }) => selected.has(id));
  return (
    <section className="page wide gallery">
      <div className="toolbar">
        <h1>{t.pages.gallery}</h1>
        <TextFilter
          type="search"
          aria-label={t.gallery.search}
          placeholder={t.gallery.search}
          value={q}
          onChange={(text) => replaceQuery({ q: text })}
        />
        <fieldset className="segments" aria-label={t.gallery.kind}>
          {(
            [
              ["", t.gallery.all],
              ["image", t.gallery.images],
              ["video", t.gallery.videos],
            ] as const
          ).map(([value, name]) => (
            <button
              key={value}
              type="button"
              aria-pressed={kind === value}
              onClick={() => replaceQuery({ kind: value })}
            >
              {name}
            </button>
          ))}
        </fieldset>
        <select
          aria-label={t.gallery.action}
          value={action}
          onChange={(event) => replaceQuery({ action: event.target.value })}
        >
          <option value="">{t.gallery.anyAction}</option>
          {ACTIONS.map((value) => (
            <option key={value} value={value}>
              {t.gallery.actions[value]}
            </option>
          ))}
        </select>
        <select
          aria-label={t.gallery.time}
          value={days}
          onChange={(event) => replaceQuery({ days: event.target.value })}
        >
          <option value="">{t.gallery.anyTime}</option>
          {DAYS.map((count) => (
            <option key={count} value={count}>
              {t.gallery.lastDays(count)}
            </option>
          ))}
        </select>
        <input
          type="range"
          aria-label={t.gallery.size}
          min={120}
          max={420}
          step={20}
          value={rowHeight}
          onChange={(event) => setPreference("rowHeight", event.target.value)}
        />
        <a className="button primary" href={hrefOf({ page: "create" })}>
          <Icon name="sparkles" />
          {t.pages.create}
        </a>
      </div>
      <Problem error={error} />
      {!isFiltered && <Drawing />}
      <PictureGrid
        label={t.gallery.label}
        shots={shots}
        hasMore={more !== undefined || isLoading}
        footer={
          <LoadMore more={more} isLoading={isLoading} label={t.gallery.older}>
            {q !== "" && t.gallery.searched(pictures.length)}
          </LoadMore>
        }
        rowHeight={rowHeight}
        hrefOf={useCallback(({ id }: Shot) => withQuery(hash, { pic: id }), [hash])}
        selected={selected}
        onSelect={setSelected}
      />
      {shots.length === 0 && !isLoading && !error && (
        <EmptyList
          isFiltered={isFiltered}
          noMatch={t.gallery.noMatch}
          nothing={t.gallery.nothing}
          onClear={() => replaceQuery({ kind: "", action: "", days: "", q: "" })}
        />
      )}
      {isPhone && chosen.length === 0 && (
        <Part>
          <ComposerPill />
        </Part>
      )}
      {chosen.length > 0 && <SelectionBar shots={chosen} onClear={() => setSelected(new Set())} />}
      {pic && <ShotLightbox shots={shots} current={pic} />}
    </section>
  );
}

/** The start of the day some days ago, so that the same address asks the same for a while. */
function sinceOf(days: string): string {
  const count = Number(days);
  if (!(count > 0 && count <= 365)) return "";
  const hour = 3_600_000;
  return new Date(Math.floor((Date.now() - count * 24 * hour) / hour) * hour).toISOString();
}

/** The newest running flows, with the picture while it is drawn. */
function Drawing() {
  const mjflow = useMjflow();
  // The details cost a read of all tasks of each flow. So they are read only while a flow runs.
  const isAnyRunning = (useRunningCount() ?? 0) > 0;
  const { data } = useQuery({
    queryKey: ["drawing"],
    enabled: isAnyRunning,
    queryFn: async () => (await mjflow.flows.list({ status: "running", details: true, limit: 6 }).page()).data,
    refetchInterval: 3_000,
  });
  if (!isAnyRunning || !data || data.length === 0) return null;
  return (
    <section className="drawing-row" aria-label={t.gallery.runningFlows}>
      {data.map(({ id, prompt, action, previewUrl, taskCounts }) => {
        const image = safeImageUrl(previewUrl);
        const total = taskCounts && Object.values(taskCounts).reduce((sum, count) => sum + count, 0);
        return (
          <a key={id} href={hrefOf({ page: "flow", id })} title={prompt ?? actionLabel(action)}>
            {image ? <ResultImage src={image} alt="" /> : <span className="image soon">{t.gallery.drawing}</span>}
            <span className="drawing-words">
              <span className="clip">
                {taskCounts ? t.flows.done(taskCounts.done, total!) : t.time.running} · {prompt ?? actionLabel(action)}
              </span>
              {taskCounts && <progress max={total!} value={taskCounts.done} aria-hidden="true" />}
            </span>
          </a>
        );
      })}
    </section>
  );
}

function SelectionBar({ shots, onClear }: { shots: readonly Shot[]; onClear(): void }) {
  const { show } = useToasts();
  const [isBusy, setBusy] = useState(false);
  const links = shots.map(({ video, sources }) => video ?? sources[0]).join("\n");
  async function save() {
    setBusy(true);
    try {
      const count = await downloadZip(shots);
      const missing = t.gallery.notArchived;
      if (count === 0) show(missing);
      else if (count < new Set(shots.map(({ sources }) => sources[0])).size)
        show(`${t.gallery.saved(count)} ${missing}`);
    } catch (error) {
      show(String(error instanceof Error ? error.message : error));
    } finally {
      setBusy(false);
    }
  }
  return (
    <div className="selection-bar" role="toolbar" aria-label={t.gallery.selectedImages}>
      <strong className="number">{t.gallery.selected(shots.length)}</strong>
      <button type="button" disabled={isBusy} onClick={save}>
        <Icon name="download" />
        {isBusy ? t.common.saving : t.gallery.zip}
      </button>
      <button
        type="button"
        onClick={() => void navigator.clipboard?.writeText(links).then(() => show(t.gallery.linksCopied))}
      >
        <Icon name="link" />
        {t.gallery.copyLinks}
      </button>
      <button type="button" className="quiet icon-button" aria-label={t.gallery.clearSelection} onClick={onClear}>
        <Icon name="x" />
      </button>
    </div>
  );
}

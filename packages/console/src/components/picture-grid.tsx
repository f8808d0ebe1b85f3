/** Pictures in rows that fill the width, by day. Only rows near the visible area exist, and nothing moves when a picture loads. */
import {
  type KeyboardEvent,
  lazy,
  type MouseEvent,
  memo,
  type ReactNode,
  useCallback,
  useMemo,
  useRef,
  useState,
} from "react";
import { download, savableUrl } from "../download.ts";
import { Icon } from "../kit/icon.tsx";
import { Part } from "../kit/part.tsx";
import { useToasts } from "../kit/toast.tsx";
import { byDay, startOfDay } from "../lib/day.ts";
import { type JustifiedRow, justified } from "../lib/justify.ts";
import { edgesOf } from "../lib/rows.ts";
import type { Shot } from "../lib/shot.ts";
import { isScrolling, usePlace, useShownRows } from "../shown-rows.ts";
import { locale, t } from "../text/text.ts";
import { altOf, ShotImage } from "./shot-image.tsx";

/** Loaded when the pointer or the focus is on a picture. */
const TilePresses = lazy(() =>
  import("./quick-press.tsx").then(({ TilePresses: component }) => ({ default: component })),
);

const GAP = 6;
const HEADER = 40;
const FOOTER = 48;
/** Below this width a row has two pictures, none narrower than 180 px. */
const PHONE = 560;

export interface PictureGridProps {
  label: string;
  shots: readonly Shot[];
  /** True: older pictures follow. The last row is shown when it is full, so that it does not change. */
  hasMore: boolean;
  /** What stands below the pictures. */
  footer: ReactNode;
  /** Wanted height of a row, px. */
  rowHeight: number;
  /** The same function while its results are the same, because a new one renders every image again. */
  hrefOf(shot: Shot): string;
  selected: ReadonlySet<string>;
  onSelect(ids: ReadonlySet<string>): void;
}

type PicturesRow = { kind: "pictures"; key: string; shots: Shot[] } & JustifiedRow;
type Row = { kind: "day"; key: string; day: string; count: number } | PicturesRow;

export function PictureGrid(props: PictureGridProps) {
  const { label, shots, hasMore, footer, rowHeight, hrefOf, selected } = props;
  const list = useRef<HTMLElement>(null);
  const { top, width } = usePlace(list);
  const rows = useMemo(
    () => (width === 0 ? [] : rowsOf(shots, width, rowHeight, hasMore)),
    [shots, width, rowHeight, hasMore],
  );
  const edges = useMemo(() => edgesOf(rows.map(heightOf)), [rows]);
  const height = edges.at(-1)!;
  const [first, end] = useShownRows(edges, top);
  const anchor = useRef<string>(undefined);
  const latest = useRef(props);
  latest.current = props;

  const toggle = useCallback((shot: Shot, isRange: boolean) => {
    const { shots: all, selected: before, onSelect } = latest.current;
    const ids = all.map(({ id }) => id);
    const next = new Set(before);
    const [a, b] = [ids.indexOf(anchor.current ?? shot.id), ids.indexOf(shot.id)];
    if (isRange && a >= 0) for (const id of ids.slice(Math.min(a, b), Math.max(a, b) + 1)) next.add(id);
    else if (!next.delete(shot.id)) next.add(shot.id);
    anchor.current = shot.id;
    onSelect(next);
  }, []);

  return (
    <section ref={list} aria-label={label} className="picture-grid" style={{ height: height + FOOTER }}>
      {rows.slice(first, end).map((row, i) =>
        row.kind === "day" ? (
          <h2 key={row.key} className="grid-row day" style={placeOf(edges[first + i]!)}>
            {row.day} <span className="faint small">{t.gallery.count(row.count)}</span>
          </h2>
        ) : (
          <PictureRow
            key={row.key}
            row={row}
            top={edges[first + i]!}
            hrefOf={hrefOf}
            selected={selected}
            onToggle={toggle}
          />
        ),
      )}
      {/* It is moved like a row, because a new page of pictures must not shift the layout. */}
      <div className="grid-row footer" style={placeOf(height)}>
        {footer}
      </div>
    </section>
  );
}

function placeOf(top: number) {
  return { transform: `translateY(${top}px)` };
}

interface PictureRowProps extends Pick<PictureGridProps, "hrefOf" | "selected"> {
  row: PicturesRow;
  /** Upper edge, px from the start of the list. */
  top: number;
  onToggle(shot: Shot, isRange: boolean): void;
}

/** Rendered once while it is scrolled over the screen. */
const PictureRow = memo(function PictureRow({ row, top, hrefOf, selected, onToggle }: PictureRowProps) {
  return (
    <div className="grid-row" style={{ ...placeOf(top), height: row.height }}>
      {row.shots.map((shot, i) => (
        <Tile
          key={shot.id}
          shot={shot}
          width={row.widths[i]!}
          href={hrefOf(shot)}
          isSelected={selected.has(shot.id)}
          isSelecting={selected.size > 0}
          onToggle={(isRange) => onToggle(shot, isRange)}
        />
      ))}
    </div>
  );
});

function heightOf(row: Row): number {
  return row.kind === "day" ? HEADER : row.height + GAP;
}

function rowsOf(shots: readonly Shot[], width: number, rowHeight: number, hasMore: boolean): Row[] {
  const isPhone = width < PHONE;
  const days = byDay(shots);
  return [...days].flatMap(([start, all], i): Row[] => {
    const day = dayOf(start);
    const isOpen = hasMore && i === days.size - 1;
    // On a phone a portrait is cut to a square, so that two pictures fill the width.
    const ratios = all.map(({ ratio }) => (isPhone ? 1 : ratio));
    const target = isPhone ? (width - GAP) / 2 : rowHeight;
    const rows = justified(ratios, width, target, GAP, isOpen);
    return [
      { kind: "day", key: day, day, count: all.length },
      ...rows.map((row) => ({
        kind: "pictures" as const,
        key: all[row.from]!.id,
        shots: all.slice(row.from, row.from + row.widths.length),
        ...row,
      })),
    ];
  });
}

/** @param start start of the day, epoch ms; undefined: the images are not finished */
function dayOf(start: number | undefined): string {
  if (start === undefined) return t.time.running;
  const days = Math.round((startOfDay(new Date()) - start) / 86_400_000);
  if (days === 0) return t.time.today;
  if (days === 1) return t.time.yesterday;
  return new Date(start).toLocaleDateString(locale(), {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  });
}

interface TileProps {
  shot: Shot;
  width: number;
  href: string;
  isSelected: boolean;
  /** True while pictures are selected: a click selects one more. */
  isSelecting: boolean;
  onToggle(isRange: boolean): void;
}

function Tile({ shot, width, href, isSelected, isSelecting, onToggle }: TileProps) {
  // The buttons exist only while they can be seen, so that a page of pictures stays small.
  const [isNear, setNear] = useState(false);
  // An image that comes by a scroll does not fade in: each fade is a layer of its own, and a fast scroll would have dozens.
  const [isPassing] = useState(isScrolling);
  const { show } = useToasts();
  function onClick(event: MouseEvent) {
    if (event.metaKey || event.ctrlKey || !(event.shiftKey || isSelecting)) return;
    event.preventDefault();
    onToggle(event.shiftKey);
  }
  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "x" || event.metaKey || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    onToggle(event.shiftKey);
  }
  const save = () => void download(shot).catch((error: Error) => show(error.message));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only notes whether the pointer or the focus is inside
    <div
      className={`tile${isSelected ? " selected" : ""}${isPassing ? " passing" : ""}`}
      style={{ width }}
      onPointerEnter={() => setNear(true)}
      onPointerLeave={() => setNear(false)}
      onFocus={() => setNear(true)}
      onBlur={({ currentTarget, relatedTarget }) => setNear(currentTarget.contains(relatedTarget as Node | null))}
    >
      <a href={href} data-shot={shot.id} onClick={onClick} onKeyDown={onKeyDown} draggable={false}>
        <Preview shot={shot} isPlaying={isNear} />
      </a>
      {shot.video && (
        <span className="tile-video" aria-hidden="true">
          <Icon name="play" size="tiny" />
        </span>
      )}
      {(isNear || isSelected) && (
        <>
          <button
            type="button"
            className="tile-check"
            aria-pressed={isSelected}
            aria-label={t.gallery.select}
            onClick={(event) => onToggle(event.shiftKey)}
          >
            <Icon name="check" size="tiny" />
          </button>
          {isNear && (
            <>
              <div className="tile-foot">
                <p className="tile-words" aria-hidden="true">
                  <b>{shot.label}</b> {shot.prompt}
                </p>
                {shot.of === 4 && !shot.video && !isSelecting && (
                  <Part>
                    <TilePresses shot={shot} />
                  </Part>
                )}
              </div>
              <button
                type="button"
                className="tile-save"
                aria-label={savableUrl(shot) ? t.gallery.download : t.gallery.openOriginal}
                title={savableUrl(shot) ? t.gallery.download : t.gallery.openOriginal}
                onClick={save}
              >
                <Icon name={savableUrl(shot) ? "download" : "arrow-up-right"} />
              </button>
            </>
          )}
        </>
      )}
    </div>
  );
}

/** The picture; a video plays while the pointer is on it, unless the user wants no motion. */
function Preview({ shot, isPlaying }: { shot: Shot; isPlaying: boolean }): ReactNode {
  const mayPlay = shot.video !== undefined && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (mayPlay && isPlaying)
    return <video className="shot" src={shot.video} poster={shot.sources[0]} autoPlay loop muted playsInline />;
  // Only rows near the visible area exist, so the browser need not watch which images are near.
  return <ShotImage shot={shot} alt={altOf(shot)} lazy={false} />;
}

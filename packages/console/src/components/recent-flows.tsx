/** The newest results below the form, one row each: look, pick a picture, and go on from it. Flows without a picture have a row too. */
import type { FlowListEntry, Picture } from "@mjflow/client";
import { type CSSProperties, useMemo } from "react";
import { useHash, useNow } from "../hooks.ts";
import { Icon } from "../kit/icon.tsx";
import { storedDraft } from "../lib/draft.ts";
import { NO_FILTER } from "../lib/filter.ts";
import { priceOfPress } from "../lib/flow-plan.ts";
import { usd } from "../lib/money.ts";
import { promptParts } from "../lib/parameter.ts";
import { actionLabel, pressLabel } from "../lib/press.ts";
import { hrefOf, routeOf, withQuery } from "../lib/route.ts";
import { safeImageUrl } from "../lib/safe.ts";
import { ratioOf, type Shot, shotsOf } from "../lib/shot.ts";
import { ago } from "../lib/time.ts";
import { useFlowList, usePictures } from "../queries.ts";
import { t } from "../text/page-text.ts";
import { QuickPress } from "./quick-press.tsx";
import { ResultImage } from "./result-image.tsx";
import { altOf, ShotImage } from "./shot-image.tsx";
import { ShotLightbox } from "./shot-lightbox.tsx";
import { Status } from "./status.tsx";
import { useEditAsNew } from "./use-edit-as-new.ts";

const SHOWN = 8;
const ALL_PICTURES = { action: "", kind: "", since: "" } as const;
const QUICK = ["upscale", "variation"].map((verb) => [1, 2, 3, 4].map((n) => `${verb}:${n}`));

type Row = { at: string; flow: FlowListEntry; picture?: never } | { at: string; picture: Picture; flow?: never };

export function RecentFlows() {
  const { flows } = useFlowList(NO_FILTER);
  const { pictures } = usePictures(ALL_PICTURES, true);
  const { pic } = routeOf(useHash()).query;
  const rows = useMemo(() => newestOf(flows, pictures), [flows, pictures]);
  const shots = useMemo(() => pictures.slice(0, SHOWN).flatMap(shotsOf), [pictures]);
  const now = useNow(10_000);
  if (rows.length === 0) return null;
  return (
    <section aria-labelledby="recent">
      <header className="head">
        <h2 id="recent">{t.flows.recent}</h2>
        <a className="button quiet" href={hrefOf({ page: "gallery" })}>
          <Icon name="images" />
          {t.recent.all}
        </a>
      </header>
      <ul className="recent">
        {rows.map(({ flow, picture }) =>
          flow ? (
            <FlowRow key={flow.id} flow={flow} now={now} />
          ) : (
            <PictureRow key={picture.taskId} picture={picture} now={now} />
          ),
        )}
      </ul>
      {pic && <ShotLightbox shots={shots} current={pic} />}
    </section>
  );
}

/** Running flows come first, then results and flows without a picture, newest first. */
function newestOf(flows: readonly FlowListEntry[], pictures: readonly Picture[]): Row[] {
  const running = flows.filter(({ status }) => status === "running").map((flow) => ({ at: flow.createdAt, flow }));
  const others = flows
    .filter(({ status, previewUrl }) => status !== "running" && !previewUrl)
    .map((flow) => ({ at: flow.endedAt ?? flow.createdAt, flow }));
  const results = pictures.map((picture) => ({ at: picture.endedAt ?? "", picture }));
  const ended = [...others, ...results].sort((a, b) => (a.at < b.at ? 1 : -1));
  return [...running.slice(0, SHOWN), ...ended].slice(0, SHOWN);
}

function FlowRow({ flow, now }: { flow: FlowListEntry; now: number }) {
  const { id, prompt, action, status, createdAt, previewUrl, taskCounts } = flow;
  const image = safeImageUrl(previewUrl);
  const total = taskCounts ? Object.values(taskCounts).reduce((sum, count) => sum + count, 0) : 0;
  const href = hrefOf({ page: "flow", id });
  return (
    <li className="result">
      <a className="result-images" href={href} style={ratioStyle(ratioOf(prompt))}>
        {!image && status === "running" ? (
          <span className="image soon wide">{t.gallery.drawing}</span>
        ) : (
          <ResultImage src={image} alt={prompt ?? actionLabel(action)} className="wide" />
        )}
      </a>
      <div className="result-words">
        <Words prompt={prompt ?? actionLabel(action)} href={href} />
        <p className="facts small">
          <Status of={status} isPill />
          {taskCounts && status === "running" && <span>{t.flows.done(taskCounts.done, total)}</span>}
          <span>{ago(createdAt, now)}</span>
        </p>
      </div>
    </li>
  );
}

function PictureRow({ picture, now }: { picture: Picture; now: number }) {
  const hash = useHash();
  const { editAsNew } = useEditAsNew();
  const shots = useMemo(() => shotsOf(picture), [picture]);
  const { flowId, taskId, press, action, prompt, endedAt } = picture;
  const first = shots[0];
  if (!first) return null;
  const isGrid = shots.length === 4 && !first.video;
  return (
    <li className="result">
      <div className="result-images" style={ratioStyle(first.ratio)}>
        {shots.map((shot) => (
          <a
            key={shot.id}
            className={isGrid ? undefined : "wide"}
            href={withQuery(hash, { pic: shot.id })}
            data-shot={shot.id}
          >
            <ShotImage shot={shot} alt={altOf(shot)} />
            {shot.video && (
              <span className="tile-video" aria-hidden="true">
                <Icon name="play" size="tiny" />
              </span>
            )}
          </a>
        ))}
      </div>
      <div className="result-words">
        <Words
          prompt={prompt ?? actionLabel(action)}
          label={press === null ? undefined : pressLabel(press)}
          href={hrefOf({ page: "flow", id: flowId, task: taskId })}
        />
        {isGrid && <QuickPresses shot={first} />}
        <p className="facts small">
          {prompt && (
            <button
              type="button"
              className="link"
              onClick={() => {
                editAsNew({ ...storedDraft(), prompt });
                scrollTo(0, 0);
              }}
            >
              {t.lightbox.usePrompt}
            </button>
          )}
          {endedAt && <span>{ago(endedAt, now)}</span>}
        </p>
      </div>
    </li>
  );
}

/** The prompt as a link to the task, with its parameters as tags. */
function Words({ prompt, label, href }: { prompt: string; label?: string | undefined; href: string }) {
  const { words, parameters } = promptParts(prompt);
  return (
    <>
      <a className="result-prompt" href={href} dir="auto" title={prompt}>
        {words || prompt}
      </a>
      {(label || parameters.length > 0) && (
        <p className="tags">
          {label && <span className="tag strong">{label}</span>}
          {parameters.slice(0, 4).map((parameter) => (
            <span key={parameter} className="tag">
              {parameter}
            </span>
          ))}
        </p>
      )}
    </>
  );
}

/** The buttons of a result with four, and what each costs. */
function QuickPresses({ shot }: { shot: Shot }) {
  const price = (press: string) => usd(priceOfPress(press, null));
  return (
    <div className="quick">
      {QUICK.map((row) => (
        <div key={row[0]} className="chips">
          {row.map((press) => (
            <QuickPress key={press} shot={shot} press={press} />
          ))}
        </div>
      ))}
      <p className="price">
        {QUICK.map(([press]) => t.recent.price(pressLabel(press!)[0]!, price(press!))).join(" · ")}
      </p>
    </div>
  );
}

function ratioStyle(ratio: number): CSSProperties {
  return { ["--ratio" as string]: ratio };
}

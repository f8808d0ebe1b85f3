/** Webhook deliveries in two panes: the list, and the chosen delivery. The filter and the choice are in the address. */
import type { Delivery } from "@mjflow/client";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { DeliveryDetail } from "../components/delivery-detail.tsx";
import { AddEndpoint, EndpointList } from "../components/endpoint-list.tsx";
import { LoadMore } from "../components/load-more.tsx";
import { Problem } from "../components/problem.tsx";
import { Status } from "../components/status.tsx";
import { replaceQuery, useAtTop, useHash, useMedia, useNow } from "../hooks.ts";
import { Drawer } from "../kit/drawer.tsx";
import { Icon } from "../kit/icon.tsx";
import { TextFilter } from "../kit/text-filter.tsx";
import {
  DELIVERY_STATUSES,
  type DeliveryFilter,
  deliveryFilterOf,
  flowIdIn,
  LISTED_EVENTS,
  neighborOf,
} from "../lib/delivery.ts";
import { type Query, withQuery } from "../lib/route.ts";
import { ago } from "../lib/time.ts";
import { useDeliveryList, useEndpoints } from "../operate-queries.ts";
import { t } from "../text/page-text.ts";

const DAYS = [1, 7, 30];
const NO_FILTER: DeliveryFilter = { endpoint: "", event: "", status: "", flow: "", days: "" };

export default function DeliveriesPage({ query }: { query: Query }) {
  const filter = deliveryFilterOf(query);
  const chosen = query["d"];
  const isWide = useMedia("(min-width: 1100px)");
  const isAtTop = useAtTop();
  const { deliveries, waiting, isLoading, error, more } = useDeliveryList(filter, isAtTop);
  const urls = new Map(useEndpoints().data?.map(({ id, url }) => [id, url ?? undefined]));
  const isFiltered = Object.values(filter).some((value) => value !== "");
  const listed = deliveries.find(({ id }) => id === chosen);
  const detail = chosen && (
    <DeliveryDetail key={chosen} id={chosen} listed={listed} url={urls.get(listed?.endpoint ?? "")} />
  );
  const close = () => replaceQuery({ d: "" });
  return (
    <section className="page wide deliveries-page">
      <div className="toolbar">
        <h1>{t.pages.deliveries}</h1>
        <Filters filter={filter} />
        <AddEndpoint />
      </div>
      <EndpointList shown={filter.endpoint} />
      <Problem error={error} />
      <div className="panes">
        <div className="list-pane">
          {waiting > 0 && (
            <button type="button" className="newer" onClick={() => scrollTo(0, 0)}>
              <Icon name="arrow-up" />
              {t.deliveries.newer(waiting)}
            </button>
          )}
          {deliveries.length > 0 && (
            <Rows deliveries={deliveries} urls={urls} chosen={chosen} followsFocus={isWide} onClose={close} />
          )}
          {isLoading && deliveries.length === 0 && <div className="skeleton setting-soon" />}
          {deliveries.length === 0 && !isLoading && !error && (
            <div className="empty">
              <p>{isFiltered ? t.deliveries.noMatch : t.deliveries.nothing}</p>
              {isFiltered && (
                <button type="button" onClick={() => replaceQuery({ ...NO_FILTER })}>
                  {t.common.clearFilters}
                </button>
              )}
            </div>
          )}
          <LoadMore more={more} isLoading={isLoading && deliveries.length > 0} label={t.deliveries.older} />
        </div>
        {isWide && deliveries.length > 0 && (
          <aside className="detail-pane" aria-label={t.deliveries.about}>
            {detail || <p className="faint choose">{t.deliveries.select}</p>}
          </aside>
        )}
      </div>
      {!isWide && detail && (
        <Drawer label={t.deliveries.about} onClose={close}>
          {detail}
        </Drawer>
      )}
    </section>
  );
}

function Filters({ filter }: { filter: DeliveryFilter }) {
  const option = (name: string, value: string, label: string, any: string, choices: readonly [string, string][]) => (
    <select aria-label={label} value={value} onChange={(event) => replaceQuery({ [name]: event.target.value })}>
      <option value="">{any}</option>
      {choices.map(([choice, words]) => (
        <option key={choice} value={choice} className={choice === words ? "mono" : undefined}>
          {words}
        </option>
      ))}
    </select>
  );
  const words = t.deliveries;
  return (
    <search className="delivery-filters">
      <TextFilter
        type="search"
        aria-label={words.search}
        placeholder={words.search}
        value={filter.flow}
        onChange={(text) => replaceQuery({ flow: flowIdIn(text) })}
      />
      {option(
        "event",
        filter.event,
        words.event,
        words.anyEvent,
        LISTED_EVENTS.map((type) => [type, type]),
      )}
      {option(
        "status",
        filter.status,
        words.status,
        words.anyStatus,
        DELIVERY_STATUSES.map((status) => [status, t.status[status]]),
      )}
      {option(
        "days",
        filter.days,
        words.time,
        words.anyTime,
        DAYS.map((days) => [String(days), t.gallery.lastDays(days)]),
      )}
    </search>
  );
}

interface RowsProps {
  deliveries: readonly Delivery[];
  /** URLs of the webhook endpoints by id. */
  urls: ReadonlyMap<string, string | undefined>;
  chosen: string | undefined;
  /** True: the focused row is shown beside the list. False: only Enter opens a row. */
  followsFocus: boolean;
  onClose(): void;
}

/** Each row is a link, so it can be opened in another tab, and Back shows the delivery before. */
function Rows({ deliveries, urls, chosen, followsFocus, onClose }: RowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const hash = useHash();
  const now = useNow(5_000);
  const [focused, setFocused] = useState<string>();
  // One row is in the Tab order: the focused one, then the chosen one, then the first.
  const listed = new Set(deliveries.map(({ id }) => id));
  const stop = [focused, chosen].find((id) => id !== undefined && listed.has(id)) ?? deliveries[0]?.id;
  // A link to a delivery shows its row.
  const first = useRef(chosen);
  const isListed = first.current !== undefined && listed.has(first.current);
  useEffect(() => {
    if (!isListed) return;
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
    first.current = undefined;
  }, [isListed]);
  function onKeyDown(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && chosen) return onClose();
    const { length } = deliveries;
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, Home: -length, End: length }[event.key];
    if (step === undefined) return;
    const next = neighborOf(deliveries, stop, step);
    if (next === undefined) return;
    event.preventDefault();
    if (followsFocus) replaceQuery({ d: next });
    list.current?.querySelector<HTMLElement>(`[data-delivery="${next}"]`)?.focus();
  }
  return (
    <>
      <div className="delivery-row columns" aria-hidden="true">
        <span>{t.deliveries.status}</span>
        <span>{t.deliveries.event}</span>
        <span>{t.deliveries.endpoint}</span>
        <span>{t.deliveries.attemptsColumn}</span>
        <span>{t.deliveries.when}</span>
      </div>
      <ul
        ref={list}
        className="delivery-rows"
        aria-label={t.deliveries.label}
        onKeyDown={onKeyDown}
        onFocus={({ target }) => setFocused(target.dataset["delivery"])}
        onBlur={() => setFocused(undefined)}
      >
        {deliveries.map(({ id, type, status, endpoint, tries, createdAt }) => (
          <li key={id}>
            <a
              className="delivery-row"
              href={withQuery(hash, { d: id })}
              data-delivery={id}
              aria-current={id === chosen}
              tabIndex={id === stop ? 0 : -1}
            >
              <Status of={status} isPill />
              <code className="clip">{type}</code>
              <span className="clip faint">
                <bdi>{(urls.get(endpoint) ?? endpoint).replace(/^https?:\/\//, "")}</bdi>
              </span>
              <span className="number" aria-hidden="true">
                {tries}
              </span>
              <span className="unseen">{t.deliveries.attempts(tries)}</span>
              <span className="number faint">{createdAt && ago(createdAt, now)}</span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

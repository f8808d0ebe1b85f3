/** The webhook endpoints of the app as cards: their newest outcomes, and what can be done with each. */
import type { Delivery, Endpoint, NewEndpoint } from "@mjflow/client";
import { useState } from "react";
import { useNow } from "../hooks.ts";
import { useConfirm } from "../kit/confirm.tsx";
import { Icon } from "../kit/icon.tsx";
import { Menu, MenuItem } from "../kit/menu.tsx";
import { useToasts } from "../kit/toast.tsx";
import { outcomesOf } from "../lib/delivery.ts";
import { hrefOf } from "../lib/route.ts";
import { ago, clock, duration } from "../lib/time.ts";
import { useDeliveriesAgain, useEndpoints, useNewestDeliveries } from "../operate-queries.ts";
import { toMjflowError, useAction, useApiCapabilities } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { EndpointDialog, testResultText } from "./endpoint-dialog.tsx";
import { useAskOverlap } from "./overlap-choice.tsx";
import { Problem } from "./problem.tsx";
import { toneOf } from "./status.tsx";

/** The button that opens the form of a new endpoint. */
export function AddEndpoint() {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="primary" onClick={() => setOpen(true)}>
        <Icon name="plus" />
        {t.endpoints.addOne}
      </button>
      {isOpen && <EndpointDialog onClose={() => setOpen(false)} />}
    </>
  );
}

/** @param shown id of the endpoint whose deliveries are shown; empty: none */
export function EndpointList({ shown }: { shown: string }) {
  const { data, error } = useEndpoints();
  const deliveries = useNewestDeliveries();
  const [secret, setSecret] = useState<NewEndpoint>();
  return (
    <section aria-label={t.endpoints.title}>
      {error && <Problem error={toMjflowError(error)} />}
      {data?.length === 0 && <p className="empty">{t.endpoints.none}</p>}
      <ul className="endpoints">
        {data?.map((endpoint) => (
          <EndpointCard
            key={endpoint.id}
            endpoint={endpoint}
            deliveries={deliveries}
            isShown={shown === endpoint.id}
            onSecret={setSecret}
          />
        ))}
      </ul>
      {secret && <EndpointDialog made={secret} onClose={() => setSecret(undefined)} />}
    </section>
  );
}

const DAY_S = 86_400;

/** Time in which the deletion of an endpoint can be undone. */
const UNDO_MS = 8_000;

function EndpointCard(props: {
  endpoint: Endpoint;
  deliveries: readonly Delivery[];
  isShown: boolean;
  onSecret: (endpoint: NewEndpoint) => void;
}) {
  const { endpoint, deliveries, isShown, onSecret } = props;
  const confirm = useConfirm();
  const askOverlap = useAskOverlap();
  const { show } = useToasts();
  const [isLeaving, setLeaving] = useState(false);
  const { id, url, enabled, events, scheme, publicKey, description, parked } = endpoint;
  const { endpoints } = useMjflow();
  const { refetch } = useEndpoints();
  const readAgain = useDeliveriesAgain();
  const { can } = useApiCapabilities();
  const { act, off, error, clear } = useAction();
  const [note, setNote] = useState("");
  const run = (name: string, work: () => Promise<unknown>) =>
    act(name, work).then(() => Promise.all([refetch(), readAgain()]));
  const name = url ?? t.endpoints.notifyHook;
  async function rotate() {
    const { rotateTitle, rotateBody: about, rotate: action } = t.endpoints;
    const overlapS = await askOverlap({ title: rotateTitle(name), about, action, initial: DAY_S });
    if (overlapS !== undefined) await run("rotate", async () => onSecret(await endpoints.rotate(id, { overlapS })));
  }
  async function enable() {
    const { disableTitle, disableBody: body, disableOne: action } = t.endpoints;
    const question = { title: disableTitle(name), body, action, isDangerous: true };
    if (!enabled || (await confirm(question))) await run("enable", () => endpoints.update(id, { enabled: !enabled }));
  }
  async function remove() {
    const { deleteTitle, deleteBody: body, delete: action } = t.endpoints;
    if (!(await confirm({ title: deleteTitle(name), body, action, isDangerous: true }))) return;
    setLeaving(true);
    // The request is held back, because a deleted endpoint cannot be made again with the same secret.
    const timer = setTimeout(() => void run("delete", () => endpoints.delete(id)), UNDO_MS);
    const undo = () => {
      clearTimeout(timer);
      setLeaving(false);
    };
    show(t.endpoints.deleted(name), { name: t.common.undo, run: undo }, UNDO_MS);
  }
  const test = () => run("test", async () => setNote(testResultText(await endpoints.test(id))));
  const replay = () =>
    run("replay", async () => {
      const { id: replayId } = await endpoints.replay(id, { only: "failed" });
      setNote(t.endpoints.replayStarted(replayId));
    });
  if (isLeaving) return null;
  return (
    <li className="card endpoint">
      <div className="endpoint-head">
        <a
          className="clip"
          href={hrefOf({ page: "deliveries", query: isShown ? {} : { endpoint: id } })}
          aria-current={isShown}
          title={isShown ? t.endpoints.showAll : t.endpoints.show}
        >
          <bdi>{url === null ? name : url.replace(/^https?:\/\//, "")}</bdi>
        </a>
        <Health endpoint={endpoint} />
        <Menu label={t.endpoints.actionsOf(name)}>
          {can("POST", "/v1/endpoints/{id}/test") && url !== null && (
            <MenuItem icon="send" {...off} onSelect={() => void test()}>
              {t.endpoints.test}
            </MenuItem>
          )}
          <MenuItem icon="rotate-ccw" {...off} onSelect={() => void replay()}>
            {t.endpoints.replayFailed}
          </MenuItem>
          <MenuItem icon="refresh-cw" {...off} onSelect={() => void rotate()}>
            {t.endpoints.rotate}
          </MenuItem>
          {url !== null && (
            <>
              <MenuItem icon={enabled ? "circle-stop" : "play"} {...off} onSelect={() => void enable()}>
                {enabled ? t.endpoints.disable : t.endpoints.enable}
              </MenuItem>
              <MenuItem icon="trash-2" isDangerous {...off} onSelect={() => void remove()}>
                {t.common.delete}
              </MenuItem>
            </>
          )}
        </Menu>
      </div>
      <OutcomeBars deliveries={deliveries} endpoint={id} />
      <p className="faint small break endpoint-more">
        {parked && parked.count > 0 && `${t.endpoints.parked(parked.count, parked.whole)} · `}
        {description && (
          <>
            <bdi>{description}</bdi> ·{" "}
          </>
        )}
        <bdi title={events.join(", ")}>{t.endpoints.eventCount(events.length)}</bdi> · <code>{scheme}</code>
        {publicKey && (
          <>
            {" "}
            · <code>{publicKey}</code>
          </>
        )}
      </p>
      {note && (
        <p className="small" role="status">
          {note}
        </p>
      )}
      <Problem error={error} onClose={clear} />
    </li>
  );
}

/** State of the endpoint in one pill: why it gets nothing, or since when it fails. */
function Health({ endpoint }: { endpoint: Endpoint }) {
  const { url, enabled, disabledWhy, failingSince, pausedUntil } = endpoint;
  const now = useNow(10_000);
  if (!enabled)
    return (
      <span className="pill">
        <Icon name="circle-slash" size="tiny" />
        {t.endpoints.disabledBecause[disabledWhy ?? ""] ?? t.endpoints.disabled}
      </span>
    );
  if (pausedUntil || failingSince)
    return (
      <span className="pill ask">
        <Icon name="triangle-alert" size="tiny" />
        {pausedUntil ? t.endpoints.pausedUntil(clock(pausedUntil)) : t.endpoints.failingSince(ago(failingSince!, now))}
      </span>
    );
  // The notifyHooks of flows are many receivers.
  if (url === null) return null;
  return (
    <span className="pill ok">
      <Icon name="check" size="tiny" />
      {t.endpoints.healthy}
    </span>
  );
}

/** One bar for each of the newest deliveries, the newest at the right, with their numbers in words. */
function OutcomeBars({ deliveries, endpoint }: { deliveries: readonly Delivery[]; endpoint: string }) {
  const { statuses, delivered, ended, medianMs } = outcomesOf(deliveries, endpoint);
  return (
    <>
      <span className="outcomes" aria-hidden="true">
        {statuses.map((status, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the bars have only their places
          <i key={i} className={toneOf(status)[0]} />
        ))}
      </span>
      <p className="faint small outcome-words number">
        <span>
          {ended > 0
            ? t.endpoints.deliveredOf(delivered, ended)
            : statuses.length > 0
              ? t.endpoints.waiting(statuses.length)
              : t.endpoints.noOutcome}
        </span>
        {medianMs !== undefined && <span>{t.endpoints.median(duration(medianMs))}</span>}
      </p>
    </>
  );
}

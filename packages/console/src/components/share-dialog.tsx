/** Creates, lists and revokes the share links of a flow. A new link is shown once. */
import type { Flow, NewShare, Share, Task } from "@mjflow/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useConfirm } from "../kit/confirm.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { useToasts } from "../kit/toast.tsx";
import { toMjflowError, useAction } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { CopyButton } from "./copy.tsx";
import { Problem } from "./problem.tsx";

const DAYS = [1, 7, 30] as const;
const DAY_S = 86_400;

/** True for a result whose picture viewers see only by the vendor's link. */
function isOnlyAtVendor({ status, imageUrl, images, videos, copies }: Task): boolean {
  return status === "SUCCESS" && copies.length === 0 && (imageUrl !== null || images.length + videos.length > 0);
}

export default function ShareDialog({ flow, onClose }: { flow: Flow; onClose(): void }) {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const { act, busy, off, error, clear } = useAction();
  const [days, setDays] = useState<number>(7);
  const [showsPrompt, setShowsPrompt] = useState(true);
  const [showsVendorLinks, setShowsVendorLinks] = useState(false);
  const [label, setLabel] = useState("");
  const [created, setCreated] = useState<NewShare>();
  const hasVendorPictures = flow.tasks.some(isOnlyAtVendor);

  async function submit(event: FormEvent) {
    event.preventDefault();
    await act("create", async () => {
      const name = label.trim();
      const share = await mjflow.shares.create(flow.id, {
        expiresInS: days * DAY_S,
        showsPrompt,
        showsVendorLinks: showsPrompt && showsVendorLinks,
        ...(name !== "" && { label: name }),
      });
      setCreated(share);
      setLabel("");
      await queries.invalidateQueries({ queryKey: ["shares", flow.id] });
    });
  }

  return (
    <Dialog title={t.share.title} hint={t.share.hint} onClose={onClose}>
      {created && <Created share={created} />}
      <form onSubmit={submit}>
        <div className="share-fields">
          <label>
            {t.share.expires}
            <select name="days" value={days} onChange={(event) => setDays(Number(event.target.value))}>
              {DAYS.map((each) => (
                <option key={each} value={each}>
                  {t.share.days(each)}
                </option>
              ))}
            </select>
          </label>
          <label>
            {t.share.label}
            <input
              name="label"
              value={label}
              maxLength={80}
              autoComplete="off"
              placeholder={t.share.labelExample}
              onChange={(event) => setLabel(event.target.value)}
            />
          </label>
        </div>
        <label className="check">
          <input
            type="checkbox"
            name="prompt"
            checked={showsPrompt}
            onChange={(event) => setShowsPrompt(event.target.checked)}
          />
          {t.share.showPrompt}
        </label>
        {hasVendorPictures && (
          <div>
            <label className="check">
              <input
                type="checkbox"
                name="vendor-links"
                checked={showsPrompt && showsVendorLinks}
                disabled={!showsPrompt}
                onChange={(event) => setShowsVendorLinks(event.target.checked)}
              />
              {t.share.showVendorLinks}
            </label>
            <p className="faint small">{showsPrompt && showsVendorLinks ? t.share.vendorLinks : t.share.notArchived}</p>
          </div>
        )}
        <Problem error={error} onClose={clear} />
        <div className="actions end">
          <button type="submit" className={created ? undefined : "primary"} {...off}>
            {t.share.create}
          </button>
        </div>
      </form>
      <Links
        flowId={flow.id}
        isOff={!!busy}
        onRevoked={(id) => setCreated((now) => (now?.id === id ? undefined : now))}
      />
    </Dialog>
  );
}

/** The page's own address is right where the API does not know it. The secret is in the fragment, which no server gets. */
function urlOf({ url, token }: NewShare): string {
  return url ?? `${location.origin}${location.pathname}#/share/${token}`;
}

function Created({ share }: { share: NewShare }) {
  const url = urlOf(share);
  return (
    <div className="share-new" role="status">
      <label>
        {t.share.link}
        <input name="share-url" readOnly value={url} onFocus={(event) => event.target.select()} />
      </label>
      <div className="actions">
        <CopyButton text={url} />
        <a className="button quiet" href={url} target="_blank" rel="noopener noreferrer">
          {t.share.open}
        </a>
        <span className="faint small">{t.share.once}</span>
      </div>
    </div>
  );
}

interface LinksProps {
  flowId: string;
  isOff: boolean;
  onRevoked(id: string): void;
}

function Links({ flowId, isOff, onRevoked }: LinksProps) {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const { show } = useToasts();
  const confirm = useConfirm();
  const { act, busy, error, clear } = useAction();
  const { data, error: readError } = useQuery({
    queryKey: ["shares", flowId],
    queryFn: () => mjflow.shares.list(flowId).take(Number.POSITIVE_INFINITY),
  });
  async function revoke(share: Share) {
    const { revokeTitle, revokeBody: body, revokeLink: action } = t.share;
    const title = revokeTitle(share.label ?? t.share.unnamed);
    if (!(await confirm({ title, body, action, isDangerous: true }))) return;
    await act(share.id, async () => {
      await mjflow.shares.revoke(flowId, share.id);
      onRevoked(share.id);
      show(t.share.revoked);
      await queries.invalidateQueries({ queryKey: ["shares", flowId] });
    });
  }
  return (
    <section className="share-links" aria-label={t.share.links}>
      <h3>{t.share.links}</h3>
      <Problem error={error ?? (readError ? toMjflowError(readError) : undefined)} onClose={clear} />
      {data?.length === 0 && <p className="faint small">{t.share.noLinks}</p>}
      <ul>
        {data?.map((share) => (
          <li key={share.id}>
            <span>
              <bdi>{share.label ?? t.share.unnamed}</bdi>
              <span className="faint small">
                {" "}
                {t.share.until(share.expiresAt.slice(0, 10))}
                {!share.showsPrompt && ` · ${t.share.withoutPrompt}`}
                {share.showsVendorLinks && ` · ${t.share.withVendorLinks}`}
              </span>
            </span>
            <button
              type="button"
              className="danger"
              disabled={isOff || !!busy}
              aria-label={t.share.revokeOne(share.label ?? t.share.unnamed)}
              onClick={() => void revoke(share)}
            >
              {t.share.revoke}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

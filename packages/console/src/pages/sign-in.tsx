import type { MjflowError } from "@mjflow/client";
import { type FormEvent, useState } from "react";
import { Problem } from "../components/problem.tsx";
import { Mark } from "../kit/mark.tsx";
import { Rich } from "../kit/rich.tsx";
import { toMjflowError } from "../queries.ts";
import { type SignedIn, startSession } from "../session.ts";
import { t } from "../text/text.ts";

export interface SignInProps {
  onSignIn(session: SignedIn): void;
  /** The secret of a sign-in link; undefined: the user enters a key. */
  link: string | undefined;
  /** True if a session of this page has ended. */
  hasEnded: boolean;
  /** Why it is not known whether there is a session. */
  failed: MjflowError | undefined;
}

/** Gets a session for a key or a sign-in link. The key is kept nowhere. */
export function SignIn({ onSignIn, link: given, hasEnded, failed }: SignInProps) {
  const [link, setLink] = useState(given);
  const [stays, setStays] = useState(false);
  const [key, setKey] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<MjflowError>();

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      onSignIn(await startSession(link ?? key.trim(), stays));
    } catch (cause) {
      const problem = toMjflowError(cause);
      setError(problem);
      setBusy(false);
      // A link that was not refused still works. After a refused one the next attempt is with a key, and a reload shows a session that
      // the browser has.
      if (link === undefined || problem.status !== 401) return;
      history.replaceState(null, "", "#/");
      setLink(undefined);
    }
  }

  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <h1 className="brand">
          <Mark />
          mjflow
        </h1>
        <p className="faint">{t.signIn.about}</p>
        {hasEnded && (
          <p className="note" role="alert">
            {t.signIn.ended}
          </p>
        )}
        {link === undefined && (
          <label>
            {t.signIn.key}
            <input
              type="password"
              name="key"
              value={key}
              onChange={(event) => setKey(event.target.value)}
              autoComplete="off"
              spellCheck={false}
              placeholder="mjk_…"
              required
            />
          </label>
        )}
        <label className="check">
          <input type="checkbox" name="stay" checked={stays} onChange={(event) => setStays(event.target.checked)} />
          {t.signIn.stay}
        </label>
        <p className="faint small">
          {stays ? t.signIn.lastsLong : t.signIn.lastsShort}{" "}
          {link === undefined ? (
            <Rich text={t.signIn.whereKeyIs} parts={{ command: <code>npm start</code> }} />
          ) : (
            t.signIn.byLink
          )}
        </p>
        <Problem error={error ?? failed} />
        <button
          type="submit"
          className="primary"
          // biome-ignore lint/a11y/noAutofocus: with a link there is nothing to enter, so Enter signs in
          autoFocus={link !== undefined}
          disabled={isBusy || (link === undefined && key.trim() === "")}
        >
          {isBusy ? t.signIn.checking : t.signIn.submit}
        </button>
      </form>
    </main>
  );
}

import type { MjflowError } from "@mjflow/client";
import { type FormEvent, useState } from "react";
import { Problem } from "../components/problem.tsx";
import { Rich } from "../kit/rich.tsx";
import { toMjflowError } from "../queries.ts";
import { clientFor } from "../session.ts";
import { t } from "../text/text.ts";

/** Checks the key with one request before storing it, so that a wrong key is reported here and not on every page. */
export function SignIn(props: { onKey: (key: string, staysSignedIn: boolean) => void; isRevoked: boolean }) {
  const { onKey, isRevoked } = props;
  const [staysSignedIn, setStaysSignedIn] = useState(false);
  const [key, setKey] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<MjflowError>();

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await clientFor(key.trim()).flows.list({ limit: 1 }).page();
      onKey(key.trim(), staysSignedIn);
    } catch (cause) {
      setError(toMjflowError(cause));
      setBusy(false);
    }
  }

  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <h1>mjflow</h1>
        <p className="faint">{t.signIn.about}</p>
        {isRevoked && (
          <p className="note" role="alert">
            {t.signIn.revoked}
          </p>
        )}
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
        <label className="check">
          <input
            type="checkbox"
            name="stay"
            checked={staysSignedIn}
            onChange={(event) => setStaysSignedIn(event.target.checked)}
          />
          {t.signIn.stay}
        </label>
        <p className="faint small">
          {staysSignedIn ? t.signIn.storedInBrowser : t.signIn.storedInTab}{" "}
          <Rich text={t.signIn.whereKeyIs} parts={{ command: <code>npm start</code> }} />
        </p>
        <Problem error={error} />
        <button type="submit" className="primary" disabled={isBusy || key.trim() === ""}>
          {isBusy ? t.signIn.checking : t.signIn.submit}
        </button>
      </form>
    </main>
  );
}

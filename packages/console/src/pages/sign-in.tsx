import type { MjflowError } from "@mjflow/client";
import { type FormEvent, useState } from "react";
import { Problem } from "../components/problem.tsx";
import { toMjflowError } from "../queries.ts";
import { clientFor } from "../session.ts";

/** Checks the key with one request before storing it, so that a wrong key is reported here and not on every page. */
export function SignIn({ onKey }: { onKey: (key: string) => void }) {
  const [key, setKey] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<MjflowError>();

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await clientFor(key.trim()).flows.list({ limit: 1 }).page();
      onKey(key.trim());
    } catch (cause) {
      setError(toMjflowError(cause));
      setBusy(false);
    }
  }

  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <h1>mjflow</h1>
        <p className="faint">Live flows, their images and their webhook deliveries.</p>
        <label>
          API key
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
        <p className="faint small">
          Stored only in this tab, until it is closed. <code>npm start</code> prints a key.
        </p>
        <Problem error={error} />
        <button type="submit" className="primary" disabled={isBusy || key.trim() === ""}>
          {isBusy ? "Checking…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}

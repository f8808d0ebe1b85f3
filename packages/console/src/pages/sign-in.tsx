import type { MjflowError } from "@mjflow/client";
import { type FormEvent, useState } from "react";
import { Problem } from "../components/problem.tsx";
import { toMjflowError } from "../queries.ts";
import { clientFor } from "../session.ts";

/** The key is tried before it is kept: a mistyped one is told here, not on every page. */
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
        <p className="faint">Flows as they happen, their pictures, and what was told to whom.</p>
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
          Kept in this tab until it is closed, and nowhere else. <code>npm start</code> prints one.
        </p>
        <Problem error={error} />
        <button type="submit" className="primary" disabled={isBusy || key.trim() === ""}>
          {isBusy ? "Trying…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}

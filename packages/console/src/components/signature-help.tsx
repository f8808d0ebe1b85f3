import { isMjflowError, verifyWebhook } from "@mjflow/client";
import { type FormEvent, useState } from "react";
import { Code } from "../kit/code.tsx";
import { Rich } from "../kit/rich.tsx";
import { t } from "../text/page-text.ts";

const CODE = `import { verifyWebhook } from "@mjflow/client";

export async function POST(request: Request): Promise<Response> {
  const event = await verifyWebhook(await request.text(), request.headers, process.env.WEBHOOK_SECRET!);
  // handle each event.id once: an event may be delivered twice
  return new Response(null, { status: 204 });
}`;

/** Explains webhook signatures and offers a form that checks one. */
export function SignatureHelp() {
  return (
    <section aria-labelledby="signatures">
      <h2 id="signatures">{t.signatures.title}</h2>
      <p>
        <Rich
          text={t.signatures.about}
          parts={{ content: <code>webhook-id.webhook-timestamp.body</code>, header: <code>webhook-signature</code> }}
        />
      </p>
      <details>
        <summary>{t.signatures.inTypeScript}</summary>
        <Code>{CODE}</Code>
      </details>
      <details>
        <summary>{t.signatures.checkTitle}</summary>
        <SignatureCheck />
      </details>
    </section>
  );
}

/**
 * Checks a signature in the browser and sends nothing. It uses the webhook's own time, so old webhooks can be checked.
 *
 * @param eventId fills in the `webhook-id`
 * @param body fills in the body
 */
export function SignatureCheck({ eventId = "", body: known = "" }: { eventId?: string; body?: string }) {
  const [fields, setFields] = useState({ id: eventId, timestamp: "", signature: "", body: known, secret: "" });
  const [result, setResult] = useState<{ isGood: boolean; text: string }>();
  async function submit(submission: FormEvent) {
    submission.preventDefault();
    const { id, timestamp, signature, body, secret } = fields;
    const headers = {
      "webhook-id": id.trim(),
      "webhook-timestamp": timestamp.trim(),
      "webhook-signature": signature.trim(),
    };
    try {
      const event = await verifyWebhook(body, headers, secret.trim(), { now: Number(timestamp) * 1_000 });
      setResult({ isGood: true, text: t.signatures.valid(event.type) });
    } catch (error) {
      setResult({ isGood: false, text: isMjflowError(error) ? error.detail : String(error) });
    }
  }
  const input = (name: keyof typeof fields, label: string, type = "text") => (
    <label>
      {label}
      <input
        type={type}
        autoComplete="off"
        required
        value={fields[name]}
        onChange={(event) => setFields({ ...fields, [name]: event.target.value })}
      />
    </label>
  );
  return (
    <form className="form" onSubmit={submit}>
      <p className="faint small">{t.signatures.local}</p>
      <div className="row">
        {input("id", "webhook-id")}
        {input("timestamp", "webhook-timestamp")}
      </div>
      {input("signature", "webhook-signature")}
      <label>
        {t.signatures.body}
        <textarea
          rows={4}
          className="mono"
          required
          value={fields.body}
          onChange={(event) => setFields({ ...fields, body: event.target.value })}
        />
      </label>
      {input("secret", t.signatures.secret, "password")}
      <div>
        <button type="submit">{t.signatures.check}</button>
      </div>
      {result && (
        <p role="status" className={`status ${result.isGood ? "ok" : "bad"}`}>
          {result.isGood ? "✓" : "✕"} {result.text}
        </p>
      )}
    </form>
  );
}

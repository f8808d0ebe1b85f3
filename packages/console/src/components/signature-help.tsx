import { isMjflowError, verifyWebhook } from "@mjflow/client";
import { type FormEvent, useState } from "react";

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
      <h2 id="signatures">Signatures</h2>
      <p>
        Standard Webhooks 1.0. The signed content is <code>webhook-id.webhook-timestamp.body</code> with the unchanged
        bytes of the body. <code>webhook-signature</code> has one signature for each valid secret. Parse the JSON only
        after the check, and respond with 2xx within 15 s.
      </p>
      <details>
        <summary>In TypeScript</summary>
        <pre className="code">{CODE}</pre>
      </details>
      <details>
        <summary>Check a signature</summary>
        <Check />
      </details>
    </section>
  );
}

/** Checks a signature in the browser and sends nothing. It uses the webhook's own time, so old webhooks can be checked. */
function Check() {
  const [fields, setFields] = useState({ id: "", timestamp: "", signature: "", body: "", secret: "" });
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
      setResult({ isGood: true, text: `Signature is valid: ${event.type}.` });
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
      <p className="faint small">Checked in your browser: body and secret are not sent.</p>
      <div className="row">
        {input("id", "webhook-id")}
        {input("timestamp", "webhook-timestamp")}
      </div>
      {input("signature", "webhook-signature")}
      <label>
        Body, unchanged
        <textarea
          rows={4}
          className="mono"
          required
          value={fields.body}
          onChange={(event) => setFields({ ...fields, body: event.target.value })}
        />
      </label>
      {input("secret", "Secret (whsec_…) or public key (whpk_…)", "password")}
      <div>
        <button type="submit">Check</button>
      </div>
      {result && (
        <p role="status" className={`status ${result.isGood ? "ok" : "bad"}`}>
          {result.isGood ? "✓" : "✕"} {result.text}
        </p>
      )}
    </form>
  );
}

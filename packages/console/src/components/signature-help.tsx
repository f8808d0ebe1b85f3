import { isMjflowError, verifyWebhook } from "@mjflow/client";
import { type FormEvent, useState } from "react";

const CODE = `import { verifyWebhook } from "@mjflow/client";

export async function POST(request: Request): Promise<Response> {
  const event = await verifyWebhook(await request.text(), request.headers, process.env.WEBHOOK_SECRET!);
  // once per event.id: it may come twice
  return new Response(null, { status: 204 });
}`;

/** How a post is believed, and a place to try one that was not. */
export function SignatureHelp() {
  return (
    <section aria-labelledby="signatures">
      <h2 id="signatures">Signatures</h2>
      <p>
        Standard Webhooks 1.0. Signed is <code>webhook-id.webhook-timestamp.body</code>, the body byte for byte as it
        came; the result stands in <code>webhook-signature</code>, one for each secret that is valid. Parse the JSON
        only afterwards, and answer 2xx within 15 s.
      </p>
      <details>
        <summary>In TypeScript</summary>
        <pre className="code">{CODE}</pre>
      </details>
      <details>
        <summary>Check one here</summary>
        <Check />
      </details>
    </section>
  );
}

/** Nothing of it leaves the page. The time is taken from the post: an old one may be looked at. */
function Check() {
  const [fields, setFields] = useState({ id: "", timestamp: "", signature: "", body: "", secret: "" });
  const [verdict, setVerdict] = useState<{ isGood: boolean; text: string }>();
  async function submit(event: FormEvent) {
    event.preventDefault();
    const { id, timestamp, signature, body, secret } = fields;
    const headers = {
      "webhook-id": id.trim(),
      "webhook-timestamp": timestamp.trim(),
      "webhook-signature": signature.trim(),
    };
    try {
      const told = await verifyWebhook(body, headers, secret.trim(), { now: Number(timestamp) * 1_000 });
      setVerdict({ isGood: true, text: `It is genuine: ${told.type}.` });
    } catch (error) {
      setVerdict({ isGood: false, text: isMjflowError(error) ? error.detail : String(error) });
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
      <p className="faint small">Worked out on this page: neither body nor secret is sent anywhere.</p>
      <div className="row">
        {input("id", "webhook-id")}
        {input("timestamp", "webhook-timestamp")}
      </div>
      {input("signature", "webhook-signature")}
      <label>
        Body, as it came
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
      {verdict && (
        <p role="status" className={`status ${verdict.isGood ? "ok" : "bad"}`}>
          {verdict.isGood ? "✓" : "✕"} {verdict.text}
        </p>
      )}
    </form>
  );
}

import type { MjflowError } from "@mjflow/client";
import { t } from "../text/text.ts";

/** An error with its advice, code and request id. */
export function Problem({ error, onClose }: { error: MjflowError | undefined; onClose?: () => void }) {
  if (!error) return null;
  const { code, detail, advice, field, requestId } = error;
  // The texts of the API are English.
  const known = t.problem.byCode[code];
  return (
    <div className="problem" role="alert">
      <div>
        <strong>{known ?? detail}</strong>
        {known !== undefined ? <p lang="en">{detail}</p> : advice && advice !== detail && <p>{advice}</p>}
        <p className="faint">
          <code>{code}</code>
          {field && (
            <>
              {" "}
              {t.problem.field} <code>{field}</code>
            </>
          )}
          {requestId && (
            <>
              {" "}
              · {t.problem.request} <code>{requestId}</code>
            </>
          )}
        </p>
      </div>
      {onClose && (
        <button type="button" className="quiet" onClick={onClose} aria-label={t.common.dismiss}>
          ✕
        </button>
      )}
    </div>
  );
}

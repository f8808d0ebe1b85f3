import type { MjflowError } from "@mjflow/client";

/** An error with its advice, code and request id. */
export function Problem({ error, onClose }: { error: MjflowError | undefined; onClose?: () => void }) {
  if (!error) return null;
  const { code, detail, advice, field, requestId } = error;
  return (
    <div className="problem" role="alert">
      <div>
        <strong>{detail}</strong>
        {advice && advice !== detail && <p>{advice}</p>}
        <p className="faint">
          <code>{code}</code>
          {field && (
            <>
              {" "}
              at <code>{field}</code>
            </>
          )}
          {requestId && (
            <>
              {" "}
              · request <code>{requestId}</code>
            </>
          )}
        </p>
      </div>
      {onClose && (
        <button type="button" className="quiet" onClick={onClose} aria-label="Dismiss">
          ✕
        </button>
      )}
    </div>
  );
}

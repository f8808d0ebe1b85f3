/** A request that waits for a rate limit: the seconds on the pressed button, and a button that gives it up. */
import { cancelLimited, secondsUntil, useConnection } from "../connection.ts";
import { useNow } from "../hooks.ts";
import { t } from "../text/text.ts";

/** What a pressed button says: the seconds until its request is sent, or `otherwise` if it does not wait. */
export function SendsIn({ otherwise }: { otherwise: string }) {
  const { limitedUntil } = useConnection();
  const now = useNow(500);
  if (limitedUntil === undefined) return otherwise;
  return t.shell.sendsIn(secondsUntil(limitedUntil, now));
}

/** Gives up the waiting request. It sends nothing. Shown only while a request waits. */
export function CancelLimited() {
  const { limitedUntil } = useConnection();
  if (limitedUntil === undefined) return null;
  return (
    <button type="button" className="cancel-limited" onClick={cancelLimited}>
      {t.common.cancel}
    </button>
  );
}

/** One picture of a result: the whole picture, or a quarter of a picture with four. */
import { useState } from "react";
import { Icon } from "../kit/icon.tsx";
import type { Shot } from "../lib/shot.ts";
import { t } from "../text/text.ts";

export function ShotImage({ shot, alt, lazy = true }: { shot: Shot; alt: string; lazy?: boolean }) {
  const { sources, quarter } = shot;
  // An address that does not load is followed by the next one: a vendor's link expires, and a copy may be deleted.
  const [failed, setFailed] = useState(0);
  const [round, setRound] = useState(0);
  const src = sources[failed];
  if (src === undefined)
    return (
      <span className="shot gone">
        {shot.video ? (
          <span role="img" aria-label={alt}>
            <Icon name="film" size="large" />
          </span>
        ) : (
          <button
            type="button"
            onClick={() => {
              setFailed(0);
              setRound(round + 1);
            }}
          >
            <Icon name="rotate-ccw" />
            {t.gallery.couldNotLoad}
          </button>
        )}
      </span>
    );
  return (
    <span className={quarter ? `shot quarter q${quarter}` : "shot"}>
      <img
        key={`${src} ${round}`}
        src={src}
        alt={alt}
        loading={lazy ? "lazy" : "eager"}
        decoding="async"
        referrerPolicy="no-referrer"
        draggable={false}
        onError={() => setFailed(failed + 1)}
      />
    </span>
  );
}

/** Description of a picture for screen readers. */
export function altOf({ prompt, label }: Shot): string {
  return prompt ? `${label}: ${prompt.slice(0, 120)}` : label;
}

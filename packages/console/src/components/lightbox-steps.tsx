/** The buttons of a lightbox that show the picture before and the one after. */
import { Icon } from "../kit/icon.tsx";
import { t } from "../text/page-text.ts";

/** @param index of the shown picture @param count number of pictures */
export function LightboxSteps({ index, count, onStep }: { index: number; count: number; onStep(by: -1 | 1): void }) {
  return (
    <>
      {index > 0 && (
        <button
          type="button"
          className="lightbox-step back"
          aria-label={t.lightbox.previous}
          onClick={() => onStep(-1)}
        >
          <Icon name="chevron-left" size="large" />
        </button>
      )}
      {index < count - 1 && (
        <button type="button" className="lightbox-step next" aria-label={t.lightbox.next} onClick={() => onStep(1)}>
          <Icon name="chevron-right" size="large" />
        </button>
      )}
    </>
  );
}

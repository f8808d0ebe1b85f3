/** One picture of a shared flow, as large as the screen. The lightbox of the console needs a session for its buttons. */
import type { KeyboardEvent } from "react";
import { useModal } from "../kit/dialog.tsx";
import { Icon } from "../kit/icon.tsx";
import type { SharedShot } from "../lib/shared.ts";
import { t } from "../text/page-text.ts";
import { LightboxSteps } from "./lightbox-steps.tsx";

interface SharedLightboxProps {
  shots: readonly SharedShot[];
  /** Id of the shown picture. */
  current: string;
  onShow(id: string): void;
  onClose(): void;
}

export function SharedLightbox({ shots, current, onShow, onClose }: SharedLightboxProps) {
  const modal = useModal(onClose);
  const index = shots.findIndex(({ id }) => id === current);
  const shot = shots[index];
  if (!shot) return null;
  const step = (by: number) => {
    const next = shots[index + by];
    if (next) onShow(next.id);
  };
  function onKeyDown(event: KeyboardEvent) {
    const by = { ["ArrowLeft"]: -1, ["ArrowRight"]: 1 }[event.key];
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    // A video that has the focus uses the arrow keys itself.
    if (event.target instanceof HTMLVideoElement) return;
    event.preventDefault();
    step(by);
  }
  return (
    <dialog {...modal} className="lightbox wide" aria-label={shot.label} onKeyDown={onKeyDown}>
      <div className="lightbox-bar">
        <button type="button" className="icon-button" aria-label={t.lightbox.close} onClick={onClose}>
          <Icon name="x" />
        </button>
        <span className="number" aria-live="polite">
          {t.lightbox.of(index + 1, shots.length)}
        </span>
        <span className="clip">{shot.label}</span>
        <span className="lightbox-tools">
          <a
            className="button icon-button"
            href={shot.url}
            target="_blank"
            rel="noopener noreferrer"
            aria-label={t.lightbox.openOriginal}
            title={t.lightbox.openOriginal}
          >
            <Icon name="arrow-up-right" />
          </a>
        </span>
      </div>
      <div className="lightbox-stage">
        <div className="lightbox-picture">
          {shot.kind === "video" ? (
            <video key={shot.id} src={shot.url} controls loop muted playsInline autoPlay />
          ) : (
            <div className="lightbox-layer">
              <span className="shot">
                <img key={shot.id} src={shot.url} alt={shot.label} referrerPolicy="no-referrer" />
              </span>
            </div>
          )}
        </div>
        <LightboxSteps index={index} count={shots.length} onStep={step} />
      </div>
    </dialog>
  );
}

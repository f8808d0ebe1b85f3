/** A modal dialog: the platform's own element traps the focus, closes with Escape and gives the focus back. */
import { type ReactNode, type SyntheticEvent, useId, useLayoutEffect, useRef } from "react";
import { t } from "../text/text.ts";
import { Icon } from "./icon.tsx";

export interface DialogProps {
  title: string;
  hint?: string;
  narrow?: boolean;
  onClose(): void;
  children: ReactNode;
}

export function Dialog({ title, hint, narrow, onClose, children }: DialogProps) {
  const [titleId, hintId] = [useId(), useId()];
  const modal = useModal(onClose);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it too; the click is one outside of the dialog
    <dialog
      {...modal}
      className={narrow ? "dialog narrow" : "dialog"}
      aria-labelledby={titleId}
      {...(hint && { "aria-describedby": hintId })}
      onClick={({ target, currentTarget, clientX, clientY }) => {
        // A click on the backdrop has the dialog as its target, and a point outside of the box.
        const { left, right, top, bottom } = currentTarget.getBoundingClientRect();
        const isInside = clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
        if (target === currentTarget && !isInside) onClose();
      }}
    >
      <header>
        <h2 id={titleId}>{title}</h2>
        <button type="button" className="quiet icon-button" aria-label={t.common.close} onClick={onClose}>
          <Icon name="x" />
        </button>
      </header>
      {hint && (
        <p id={hintId} className="faint">
          {hint}
        </p>
      )}
      {children}
    </dialog>
  );
}

/**
 * Opens the dialog element as modal while the component is mounted. Closing it returns the focus to where it was.
 *
 * @param onClose is called for Escape; the component then has to go away
 * @returns attributes of the dialog element
 */
export function useModal(onClose: () => void) {
  const element = useRef<HTMLDialogElement>(null);
  // The dialog is closed while it is still in the document. An element that was removed gives no focus back.
  useLayoutEffect(() => {
    const dialog = element.current!;
    if (!dialog.open) dialog.showModal();
    return () => dialog.close();
  }, []);
  return {
    ref: element,
    onCancel(event: SyntheticEvent) {
      event.preventDefault();
      onClose();
    },
  };
}

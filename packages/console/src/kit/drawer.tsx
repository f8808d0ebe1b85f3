/** A modal sheet at the side of the page; on a phone it is as wide as the screen. */
import type { ReactNode } from "react";
import { t } from "../text/text.ts";
import { useModal } from "./dialog.tsx";
import { Icon } from "./icon.tsx";

export function Drawer({ label, onClose, children }: { label: string; onClose(): void; children: ReactNode }) {
  const modal = useModal(onClose);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it too; the click is one on the backdrop
    <dialog
      {...modal}
      className="drawer"
      aria-label={label}
      onClick={({ target, currentTarget }) => target === currentTarget && onClose()}
    >
      <div className="drawer-content">
        <button type="button" className="quiet icon-button" aria-label={t.common.close} onClick={onClose}>
          <Icon name="x" />
        </button>
        {children}
      </div>
    </dialog>
  );
}

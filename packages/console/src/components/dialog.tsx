import * as Radix from "@radix-ui/react-dialog";
import type { ReactNode } from "react";

/**
 * A dialog above the page. It traps the focus, and Escape closes it. It does not use Radix's overlay: that overlay locks
 * scrolling with an inline style, which the page's Content-Security-Policy blocks.
 */
export function Dialog(props: { title: string; hint?: string; onClose: () => void; children: ReactNode }) {
  const { title, hint, onClose, children } = props;
  return (
    <Radix.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Radix.Portal>
        <div className="backdrop" aria-hidden="true" />
        <Radix.Content className="dialog" {...(!hint && { "aria-describedby": undefined })}>
          <header>
            <Radix.Title>{title}</Radix.Title>
            <Radix.Close className="quiet" aria-label="Close">
              ✕
            </Radix.Close>
          </header>
          {hint && <Radix.Description className="faint">{hint}</Radix.Description>}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

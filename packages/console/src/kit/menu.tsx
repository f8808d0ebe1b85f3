/** A menu below its button: the platform's popover, which closes with Escape or a click elsewhere. */
import { type KeyboardEvent, type ReactNode, useId, useRef } from "react";
import { Icon } from "./icon.tsx";

export function Menu({ label, icon = "ellipsis", children }: { label: string; icon?: string; children: ReactNode }) {
  const id = useId();
  const menu = useRef<HTMLDivElement>(null);

  function onKeyDown(event: KeyboardEvent) {
    const items = [...menu.current!.querySelectorAll<HTMLElement>("[role=menuitem]:not(:disabled)")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    items.at(step % items.length)?.focus();
  }

  return (
    <>
      <button type="button" className="icon-button" aria-label={label} aria-haspopup="menu" popoverTarget={id}>
        <Icon name={icon} />
      </button>
      <div
        ref={menu}
        id={id}
        className="menu"
        role="menu"
        aria-label={label}
        tabIndex={-1}
        popover="auto"
        onKeyDown={onKeyDown}
        onClick={() => menu.current?.hidePopover()}
        onToggle={({ newState }) => {
          if (newState === "open") menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
        }}
      >
        {children}
      </div>
    </>
  );
}

export interface MenuItemProps {
  icon: string;
  isDangerous?: boolean;
  disabled?: boolean | undefined;
  /** For example why it is disabled. */
  title?: string | undefined;
  onSelect(): void;
  children: ReactNode;
}

export function MenuItem({ icon, isDangerous, onSelect, children, ...rest }: MenuItemProps) {
  return (
    <button type="button" role="menuitem" className={isDangerous ? "danger" : undefined} {...rest} onClick={onSelect}>
      <Icon name={icon} />
      {children}
    </button>
  );
}

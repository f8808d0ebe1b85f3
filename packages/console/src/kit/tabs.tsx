/** Tabs by the pattern of WAI-ARIA APG: one Tab stop, and the arrow keys move between the tabs. */
import { type KeyboardEvent, type ReactNode, useId } from "react";

export interface Tab {
  id: string;
  name: ReactNode;
}

export interface TabsProps {
  label: string;
  tabs: readonly Tab[];
  selected: string;
  onSelect(id: string): void;
  segmented?: boolean;
  children: ReactNode;
}

export function Tabs({ label, tabs, selected, onSelect, segmented, children }: TabsProps) {
  const base = useId();
  function onKeyDown(event: KeyboardEvent<HTMLElement>) {
    const at = tabs.findIndex(({ id }) => id === selected);
    const step = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = tabs.at(step % tabs.length)!;
    onSelect(next.id);
    document.getElementById(`${base}-${next.id}`)?.focus();
  }
  return (
    <>
      <div
        className={segmented ? "tabs segments" : "tabs"}
        role="tablist"
        aria-label={label}
        onKeyDown={onKeyDown}
        tabIndex={-1}
      >
        {tabs.map(({ id, name }) => (
          <button
            key={id}
            id={`${base}-${id}`}
            type="button"
            role="tab"
            aria-selected={id === selected}
            aria-controls={`${base}-panel`}
            tabIndex={id === selected ? 0 : -1}
            onClick={() => onSelect(id)}
          >
            {name}
          </button>
        ))}
      </div>
      <div id={`${base}-panel`} role="tabpanel" aria-labelledby={`${base}-${selected}`} className="tab-panel">
        {children}
      </div>
    </>
  );
}

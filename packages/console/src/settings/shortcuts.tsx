import { Dialog } from "../kit/dialog.tsx";
import { shortcutGroups } from "../lib/shortcut.ts";
import { useIsOperator } from "../queries.ts";
import { t } from "../text/page-text.ts";

export function Shortcuts() {
  const isOperator = useIsOperator();
  return (
    <div className="shortcuts">
      {shortcutGroups(isOperator).map(({ name, keys }) => (
        <section key={name} className="card">
          <h3>{name}</h3>
          <dl className="facts-list">
            {keys.map(([key, effect]) => (
              <div key={key + effect}>
                <dt>
                  {key.split(" ").map((part) => (part === "then" ? t.shortcuts.then : <kbd key={part}>{part}</kbd>))}
                </dt>
                <dd>{effect}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

export function ShortcutSheet({ onClose }: { onClose(): void }) {
  return (
    <Dialog title={t.shortcuts.title} onClose={onClose}>
      <Shortcuts />
    </Dialog>
  );
}

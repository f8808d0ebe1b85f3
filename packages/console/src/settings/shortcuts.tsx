import { SHORTCUTS } from "../lib/shortcut.ts";

export function Shortcuts() {
  return (
    <div className="shortcuts">
      {SHORTCUTS.map(({ name, keys }) => (
        <section key={name} className="card">
          <h3>{name}</h3>
          <dl className="facts-list">
            {keys.map(([key, effect]) => (
              <div key={key + effect}>
                <dt>{key.split(" ").map((part) => (part === "then" ? " then " : <kbd key={part}>{part}</kbd>))}</dt>
                <dd>{effect}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

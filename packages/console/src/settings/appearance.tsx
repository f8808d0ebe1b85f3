/** Choices of this browser: colors, the size of images, and from which price on the page asks. */
import { applyTheme, setPreference, usePreference } from "../preference.ts";

const THEMES = [
  ["system", "System"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;
const LIMITS = ["0", "0.05", "0.10", "0.50", "1.00"];

export function Appearance() {
  const theme = usePreference("theme");
  const confirmUsd = usePreference("confirmUsd");
  return (
    <div className="card setting-form">
      <fieldset>
        <legend>Colors</legend>
        <div className="segments">
          {THEMES.map(([value, name]) => (
            <button
              key={value}
              type="button"
              aria-pressed={theme === value}
              onClick={() => {
                setPreference("theme", value);
                applyTheme();
              }}
            >
              {name}
            </button>
          ))}
        </div>
      </fieldset>
      <label>
        Ask before a press that costs more than
        <select value={confirmUsd} onChange={(event) => setPreference("confirmUsd", event.target.value)}>
          {LIMITS.map((value) => (
            <option key={value} value={value}>
              {value === "0" ? "always ask" : `$${value}`}
            </option>
          ))}
        </select>
      </label>
      <p className="faint small">These choices are kept in this browser.</p>
    </div>
  );
}

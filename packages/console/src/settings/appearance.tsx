/** Choices of this browser: colors, the size of images, and the language, and from which price on the page asks. */
import { applyTheme, setPreference, usePreference } from "../preference.ts";
import { t } from "../text/page-text.ts";
import { applyLanguage, LANGUAGES, languageName } from "../text/text.ts";

const THEMES = ["system", "light", "dark"] as const;
const LIMITS = ["0", "0.05", "0.10", "0.50", "1.00"];

export function Appearance() {
  const theme = usePreference("theme");
  const language = usePreference("language");
  const confirmUsd = usePreference("confirmUsd");
  return (
    <div className="card setting-form">
      <fieldset>
        <legend>{t.appearance.colors}</legend>
        <div className="segments">
          {THEMES.map((value) => (
            <button
              key={value}
              type="button"
              aria-pressed={theme === value}
              onClick={() => {
                setPreference("theme", value);
                applyTheme();
              }}
            >
              {t.appearance[value]}
            </button>
          ))}
        </div>
      </fieldset>
      <label>
        {t.appearance.language}
        <select
          ref={focusAfterChoice}
          name="language"
          value={language}
          onChange={(event) => void chooseLanguage(event.target.value)}
        >
          <option value="auto">{t.appearance.ofBrowser}</option>
          {LANGUAGES.map((each) => (
            <option key={each} value={each} lang={each}>
              {languageName(each)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t.appearance.askFrom}
        <select value={confirmUsd} onChange={(event) => setPreference("confirmUsd", event.target.value)}>
          {LIMITS.map((value) => (
            <option key={value} value={value}>
              {value === "0" ? t.appearance.alwaysAsk : `$${value}`}
            </option>
          ))}
        </select>
      </label>
      <p className="faint small">{t.appearance.kept}</p>
    </div>
  );
}

/** True while a chosen language is being shown. */
let isChoosing = false;

async function chooseLanguage(value: string): Promise<void> {
  isChoosing = true;
  setPreference("language", value);
  await applyLanguage();
}

/** The page is a new one in the other language. The focus stays on the choice. */
function focusAfterChoice(select: HTMLSelectElement | null): void {
  if (!select || !isChoosing) return;
  isChoosing = false;
  select.focus();
}

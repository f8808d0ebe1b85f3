/** The settings below the prompt. Those of Midjourney are flags in the prompt: the controls read and write the text. */

import type { FlowForm } from "../lib/form.ts";
import { takesPrompt } from "../lib/form.ts";
import { PARAMETERS, parameterOf, withoutParameter, withParameter, withValue } from "../lib/parameter.ts";
import { t } from "../text/create-text.ts";

const RATIOS = ["1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9"];
const VERSIONS = ["8", "7", "6.1", "6", "5.2"];

export function PromptSettings(props: {
  form: FlowForm;
  providers: readonly string[];
  onChange: (change: Partial<FlowForm>) => void;
}) {
  const { form, providers, onChange } = props;
  const { prompt, provider, mode } = form;
  const flag = (name: string) => parameterOf(prompt, name) ?? "";
  const setFlag = (name: string, value: string) =>
    onChange({ prompt: value === "" ? withoutParameter(prompt, name) : withValue(prompt, name, value) });
  const optionsWith = (all: readonly string[], now: string) => (now === "" || all.includes(now) ? all : [now, ...all]);
  return (
    <div className="prompt-settings">
      {takesPrompt(form.action) && (
        <>
          <Choice label={t.create.aspect} value={flag("--ar")} onChange={(value) => setFlag("--ar", value)}>
            {optionsWith(RATIOS, flag("--ar"))}
          </Choice>
          <Choice label={t.create.version} value={flag("--v")} onChange={(value) => setFlag("--v", value)}>
            {optionsWith(VERSIONS, flag("--v"))}
          </Choice>
        </>
      )}
      <Choice
        label={t.create.speed}
        value={mode}
        names={t.speeds}
        onChange={(value) => onChange({ mode: value as FlowForm["mode"] })}
      >
        {["relax", "fast", "turbo"]}
      </Choice>
      <Choice
        label={t.create.provider}
        value={provider}
        names={{ auto: t.create.auto }}
        onChange={(value) => onChange({ provider: value })}
      >
        {optionsWith([...new Set(["auto", ...providers])], provider)}
      </Choice>
      {takesPrompt(form.action) && (
        <details className="small parameters-more">
          <summary>{t.create.parameters}</summary>
          <ul className="parameters">
            {PARAMETERS.map((parameter) => (
              <li key={parameter.name}>
                <button
                  type="button"
                  className="chip mono"
                  aria-pressed={parameterOf(prompt, parameter.name) !== undefined}
                  onClick={() => onChange({ prompt: withParameter(prompt, parameter) })}
                >
                  {parameter.example}
                </button>
                <span>{t.parameters[parameter.name]}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function Choice(props: {
  label: string;
  value: string;
  /** Names of the options; an option without one is its own name. */
  names?: Readonly<Record<string, string>>;
  onChange: (value: string) => void;
  children: readonly string[];
}) {
  const { label, value, names, onChange, children } = props;
  return (
    <label className="choice">
      <span className="faint small">{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{t.common.default}</option>
        {children.map((each) => (
          <option key={each} value={each}>
            {names?.[each] ?? each}
          </option>
        ))}
      </select>
    </label>
  );
}

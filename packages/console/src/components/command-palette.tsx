/** Goes to a page or a flow and runs an action by its name. A combobox with a list, as WAI-ARIA APG describes it. */
import { type KeyboardEvent, useId, useMemo, useRef, useState } from "react";
import { type Command, pageCommands } from "../commands.ts";
import { useModal } from "../kit/dialog.tsx";
import { Icon } from "../kit/icon.tsx";
import { matchesFilter, NO_FILTER } from "../lib/filter.ts";
import { actionLabel } from "../lib/press.ts";
import { hrefOf, pagesFor } from "../lib/route.ts";
import { applyTheme, preference, setPreference } from "../preference.ts";
import { useFlowList, useIsOperator } from "../queries.ts";
import { useSession } from "../session.ts";
import { OPERATOR_SECTIONS } from "../settings/section.ts";
import { t } from "../text/page-text.ts";
import { applyLanguage, LANGUAGES, languageName } from "../text/text.ts";

const MAX_FLOWS = 8;
const THEMES = ["system", "light", "dark"] as const;
const FLOW_ID = /^flow_\w{6,}$/;

interface Group {
  name: string;
  commands: readonly Command[];
}

export function CommandPalette({ onClose }: { onClose(): void }) {
  const modal = useModal(onClose);
  const base = useId();
  const list = useRef<HTMLDivElement>(null);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const groups = useGroups(text);
  const all = groups.flatMap(({ commands }) => commands);
  const current = Math.min(at, all.length - 1);
  const idOf = (index: number) => `${base}-${index}`;

  function run(command: Command | undefined) {
    if (!command) return;
    onClose();
    command.run();
  }
  function moveTo(index: number) {
    setAt(index);
    list.current?.querySelector(`#${CSS.escape(idOf(index))}`)?.scrollIntoView({ block: "nearest" });
  }
  function onKeyDown(event: KeyboardEvent) {
    const { key } = event;
    const last = all.length - 1;
    if (key === "ArrowDown") moveTo(current >= last ? 0 : current + 1);
    else if (key === "ArrowUp") moveTo(current <= 0 ? last : current - 1);
    else if (key === "PageDown") moveTo(Math.min(last, current + 8));
    else if (key === "PageUp") moveTo(Math.max(0, current - 8));
    else if (key === "Enter") run(all[current]);
    else return;
    event.preventDefault();
  }

  let index = -1;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it too; the click is one on the backdrop
    <dialog
      {...modal}
      className="dialog palette"
      aria-label={t.palette.title}
      onClick={({ target, currentTarget }) => target === currentTarget && onClose()}
    >
      <div className="palette-field">
        <Icon name="search" />
        <input
          role="combobox"
          aria-label={t.palette.title}
          aria-expanded={all.length > 0}
          aria-controls={`${base}-list`}
          aria-autocomplete="list"
          {...(all.length > 0 && { "aria-activedescendant": idOf(current) })}
          placeholder={t.palette.hint}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </div>
      <div ref={list} id={`${base}-list`} className="palette-list" role="listbox" aria-label={t.palette.title}>
        {groups.map(({ name, commands }) => (
          // biome-ignore lint/a11y/useSemanticElements: a fieldset is no group of a listbox
          <div key={name} role="group" aria-label={name}>
            <p className="faint small" aria-hidden="true">
              {name}
            </p>
            {commands.map((command) => {
              index += 1;
              const here = index;
              return (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the keys act on the text field, which keeps the focus
                // biome-ignore lint/a11y/useFocusableInteractive: the text field keeps the focus and names the option
                <div
                  key={command.id}
                  id={idOf(here)}
                  role="option"
                  aria-selected={here === current}
                  onPointerMove={() => setAt(here)}
                  onClick={() => run(command)}
                >
                  <Icon name={command.icon} />
                  <span className="clip" dir="auto">
                    {command.name}
                  </span>
                </div>
              );
            })}
          </div>
        ))}
      </div>
      <p className={all.length === 0 ? "empty" : "unseen"} role="status">
        {all.length === 0 ? t.palette.none : t.palette.found(all.length)}
      </p>
    </dialog>
  );
}

/** Returns what matches every word of the text, in groups. An empty text matches all but the older flows. */
function useGroups(text: string): Group[] {
  const { signOut } = useSession();
  const isOperator = useIsOperator();
  const { flows } = useFlowList(NO_FILTER, false);
  // The actions of the page do not change while the palette covers it.
  const [ofPage] = useState(pageCommands);
  return useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = ({ name }: Command) => words.every((word) => name.toLowerCase().includes(word));
    const pages = pagesFor(isOperator).map(
      ([page, icon]): Command => ({ id: page, icon, name: t.pages[page], run: () => goTo(hrefOf({ page })) }),
    );
    const sections = Object.entries(t.settings)
      .filter(([section]) => isOperator || !OPERATOR_SECTIONS.has(section))
      .map(
        ([section, name]): Command => ({
          id: `settings ${section}`,
          icon: "settings",
          name: `${t.pages.settings}: ${name}`,
          run: () => goTo(hrefOf({ page: "settings", section })),
        }),
      );
    const found = flows
      .filter((flow) => words.length === 0 || matchesFilter(flow, { ...NO_FILTER, search: text }))
      .slice(0, MAX_FLOWS)
      .map(({ id, prompt, action }) => flowCommand(id, prompt ?? actionLabel(action)));
    const named = FLOW_ID.test(text.trim()) && !found.some(({ id }) => id === text.trim());
    const others: Command[] = [
      ...(named ? [flowCommand(text.trim(), t.palette.openFlow(text.trim()))] : []),
      ...(words.length > 0 && !named
        ? [
            {
              id: "search",
              icon: "search",
              name: t.palette.searchAll(text.trim()),
              run: () => goTo(hrefOf({ page: "flows", query: { q: text.trim() } })),
            },
          ]
        : []),
    ];
    const choices: Command[] = [
      ...THEMES.filter((theme) => theme !== preference("theme")).map((theme) => ({
        id: `theme ${theme}`,
        icon: "eye",
        name: `${t.appearance.colors}: ${t.appearance[theme]}`,
        run: () => {
          setPreference("theme", theme);
          applyTheme();
        },
      })),
      ...LANGUAGES.map((language) => ({
        id: `language ${language}`,
        icon: "languages",
        name: `${t.appearance.language}: ${languageName(language)}`,
        run: () => {
          setPreference("language", language);
          void applyLanguage();
        },
      })),
      { id: "sign out", icon: "log-out", name: t.shell.signOut, run: signOut },
    ];
    return [
      { name: t.palette.actions, commands: ofPage.filter(matches) },
      { name: t.palette.pages, commands: [...pages, ...(words.length > 0 ? sections : [])].filter(matches) },
      { name: t.pages.flows, commands: found },
      { name: t.palette.choices, commands: choices.filter(matches) },
      { name: t.palette.more, commands: others },
    ].filter(({ commands }) => commands.length > 0);
  }, [text, flows, ofPage, signOut, isOperator]);
}

function flowCommand(id: string, name: string): Command {
  return { id, name, icon: "workflow", run: () => goTo(hrefOf({ page: "flow", id })) };
}

function goTo(hash: string): void {
  location.hash = hash;
}

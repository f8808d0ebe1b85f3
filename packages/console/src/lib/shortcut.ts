/** The keyboard shortcuts, as the sheet shows them. */

import { t } from "../text/page-text.ts";
import { GO_KEYS, pagesFor } from "./route.ts";

export interface ShortcutGroup {
  name: string;
  keys: readonly (readonly [keys: string, effect: string])[];
}

export function shortcutGroups(isOperator: boolean): readonly ShortcutGroup[] {
  const { pages, shortcuts: words } = t;
  const goTo = pagesFor(isOperator).map(([page]) => [`g then ${GO_KEYS[page]}`, pages[page]] as const);
  return [
    {
      name: words.everywhere,
      keys: [
        ["Ctrl+K", words.palette],
        ["?", words.thisList],
        ["n", pages.create],
        ["/", words.search],
        ...goTo,
        ["Ctrl Enter", words.sendForm],
        ["Escape", words.closeOpen],
      ],
    },
    { name: pages.gallery, keys: [["x", words.selectImage]] },
    {
      name: words.lightbox,
      keys: [
        ["← →", words.around],
        ["z + -", words.zoom],
        ["c", words.compare],
        ["d", words.save],
        ["u", words.usePrompt],
        ["i", words.details],
      ],
    },
    {
      name: words.tree,
      keys: [
        ["↑ ↓ → ←", words.move],
        ["f", words.fit],
        ["1", "100 %"],
        ["+ -", words.zoom],
        ["t", words.root],
        ["j k", words.stepShown],
      ],
    },
  ];
}

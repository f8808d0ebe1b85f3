/** The keyboard shortcuts, as the sheet shows them. */
export interface ShortcutGroup {
  name: string;
  keys: readonly (readonly [keys: string, effect: string])[];
}

export const SHORTCUTS: readonly ShortcutGroup[] = [
  {
    name: "Everywhere",
    keys: [
      ["?", "this list"],
      ["n", "Create"],
      ["/", "the search of the page"],
      ["g then c", "Create"],
      ["g then g", "Gallery"],
      ["g then f", "Flows"],
      ["g then d", "Deliveries"],
      ["g then h", "Health"],
      ["g then s", "Settings"],
      ["Ctrl Enter", "send the form of Create"],
      ["Escape", "close what is open"],
    ],
  },
  { name: "Gallery", keys: [["x", "select the focused image; with Shift a range"]] },
  {
    name: "Lightbox",
    keys: [
      ["← →", "the image before and after"],
      ["z + -", "zoom"],
      ["c", "compare with the next image"],
      ["d", "save, or open the original"],
      ["u", "use the prompt"],
      ["i", "details"],
    ],
  },
  {
    name: "Tree of a flow",
    keys: [
      ["↑ ↓ → ←", "move; left folds a branch"],
      ["f", "fit"],
      ["1", "100 %"],
      ["+ -", "zoom"],
      ["t", "the root"],
    ],
  },
];

/** Pages of the second key after `g`. */
export const GO: Readonly<Record<string, "create" | "gallery" | "flows" | "deliveries" | "health" | "settings">> = {
  c: "create",
  g: "gallery",
  f: "flows",
  d: "deliveries",
  h: "health",
  s: "settings",
};

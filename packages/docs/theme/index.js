import DefaultTheme from "vitepress/theme-without-fonts";
import "./style.css";

/** Chooses the same language in all samples of a page. */
function chooseEverywhere({ target }) {
  const group = target.closest?.(".vp-code-group");
  const title = group?.querySelector(`label[for="${target.id}"]`)?.textContent;
  if (!title) return;
  const top = group.getBoundingClientRect().top;
  for (const label of document.querySelectorAll(".vp-code-group .tabs label")) {
    const input = document.getElementById(label.htmlFor);
    if (label.textContent === title && input && !input.checked) input.click();
  }
  // Samples above have another height now; the one that was clicked stays where it is.
  scrollBy({ top: group.getBoundingClientRect().top - top, behavior: "instant" });
}

/** Attributes that the theme sets for the roles that `repairSearchBox` replaces. */
const ATTRIBUTES = ["aria-owns", "aria-expanded", "aria-haspopup", "aria-selected"];

/**
 * The theme gives its search box the role of a button, although it contains buttons, and its results the role of options,
 * although they are links. It is a dialog with a list of links. The theme sets attributes again when the results change.
 */
function repairSearchBox() {
  const box = document.querySelector(".VPLocalSearchBox");
  if (!box) return;
  if (box.getAttribute("role") !== "dialog") box.setAttribute("role", "dialog");
  for (const element of [box, ...box.querySelectorAll("[role=listbox], [role=option], [aria-selected]")]) {
    if (element !== box) element.removeAttribute("role");
    for (const name of ATTRIBUTES) if (element.hasAttribute(name)) element.removeAttribute(name);
  }
  for (const link of box.querySelectorAll("a.result[aria-label]")) link.removeAttribute("aria-label");
}

export default {
  extends: DefaultTheme,
  enhanceApp() {
    if (typeof document === "undefined") return;
    new MutationObserver(repairSearchBox).observe(document.body, {
      childList: true,
      subtree: true,
      attributeFilter: ATTRIBUTES,
    });
    // Only a person's choice: `click()` above has no trusted event.
    document.addEventListener("change", (event) => event.isTrusted && chooseEverywhere(event));
  },
};

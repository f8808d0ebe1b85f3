import { useState } from "react";
import { Icon } from "../kit/icon.tsx";
import { t } from "../text/text.ts";

interface CopyButtonProps {
  text: string;
  label?: string;
  /** Icon in place of the words. The words are then its tooltip. */
  icon?: string;
}

const ICONS = { copied: "check", failed: "circle-alert" };

export function CopyButton({ text, label = t.common.copy, icon }: CopyButtonProps) {
  const [state, setState] = useState<"" | "copied" | "failed">("");
  const words = state === "copied" ? t.common.copied : state === "failed" ? t.common.copyFailed : label;
  return (
    <button
      type="button"
      className={icon ? "quiet icon-button" : "quiet"}
      {...(icon && { "aria-label": words, title: words })}
      onClick={() => {
        // The clipboard exists only if the page is served over https or from this machine.
        const writing = navigator.clipboard?.writeText(text) ?? Promise.reject();
        writing.then(
          () => setState("copied"),
          () => setState("failed"),
        );
      }}
    >
      {icon ? <Icon name={state === "" ? icon : ICONS[state]} /> : words}
    </button>
  );
}

import { useState } from "react";
import { t } from "../text/text.ts";

export function CopyButton({ text, label = t.common.copy }: { text: string; label?: string }) {
  const [state, setState] = useState<"" | "copied" | "failed">("");
  return (
    <button
      type="button"
      className="quiet"
      onClick={() => {
        // The clipboard exists only if the page is served over https or from this machine.
        const writing = navigator.clipboard?.writeText(text) ?? Promise.reject();
        writing.then(
          () => setState("copied"),
          () => setState("failed"),
        );
      }}
    >
      {state === "copied" ? t.common.copied : state === "failed" ? t.common.copyFailed : label}
    </button>
  );
}

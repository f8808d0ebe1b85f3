import { useState } from "react";

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [state, setState] = useState<"" | "copied" | "failed">("");
  return (
    <button
      type="button"
      className="quiet"
      onClick={() => {
        // Only where the page is served over https or from this machine; elsewhere there is no clipboard.
        const writing = navigator.clipboard?.writeText(text) ?? Promise.reject();
        writing.then(
          () => setState("copied"),
          () => setState("failed"),
        );
      }}
    >
      {state === "copied" ? "Copied" : state === "failed" ? "Select and copy it" : label}
    </button>
  );
}

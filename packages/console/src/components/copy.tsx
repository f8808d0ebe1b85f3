import { useState } from "react";

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
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
      {state === "copied" ? "Copied" : state === "failed" ? "Copying failed; select the text" : label}
    </button>
  );
}

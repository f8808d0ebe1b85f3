import type { ReactNode } from "react";

/** Code or JSON as it is. Its lines are not broken, so it can be scrolled sideways, also with the keyboard. */
export function Code({ children }: { children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without the focus the keys cannot scroll it
    <pre className="code" tabIndex={0}>
      {children}
    </pre>
  );
}

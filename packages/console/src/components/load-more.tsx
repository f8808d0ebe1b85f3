/** Loads the next page before the end of a list is visible. The button is for keyboard users. */
import { type ReactNode, useEffect, useState } from "react";
import { t } from "../text/text.ts";

interface LoadMoreProps {
  more: (() => void) | undefined;
  isLoading: boolean;
  label: string;
  /** Text while nothing is loaded. */
  children?: ReactNode;
}

export function LoadMore({ more, isLoading, label, children }: LoadMoreProps) {
  const [element, setElement] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (!element || !more) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) more();
      },
      { rootMargin: "1500px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [element, more]);
  const text = isLoading ? t.common.loadingMore : children;
  return (
    <p className="more" ref={setElement}>
      {text && (
        <span className="faint small" role="status">
          {text}
        </span>
      )}
      {more && (
        <button type="button" onClick={more}>
          {label}
        </button>
      )}
    </p>
  );
}

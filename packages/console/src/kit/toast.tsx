/** Short messages at the lower edge, with an optional action such as Undo. */
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";
import { t } from "../text/text.ts";
import { Icon } from "./icon.tsx";

const SHOWN_MS = 5_000;

interface Toast {
  id: number;
  text: string;
  action?: { name: string; run(): void } | undefined;
}

export interface Toasts {
  show(text: string, action?: Toast["action"], forMs?: number): () => void;
}

const ToastContext = createContext<Toasts>({ show: () => () => {} });

export function useToasts(): Toasts {
  return useContext(ToastContext);
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const next = useRef(0);
  const close = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const show = useCallback<Toasts["show"]>(
    (text, action, forMs = SHOWN_MS) => {
      const id = next.current++;
      setToasts((all) => [...all.slice(-2), { id, text, action }]);
      setTimeout(() => close(id), forMs);
      return () => close(id);
    },
    [close],
  );
  return (
    <ToastContext value={useMemo(() => ({ show }), [show])}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map(({ id, text, action }) => (
          <div key={id} className="toast">
            <span>{text}</span>
            {action && (
              <button
                type="button"
                onClick={() => {
                  action.run();
                  close(id);
                }}
              >
                {action.name}
              </button>
            )}
            <button type="button" className="icon-button" aria-label={t.common.dismiss} onClick={() => close(id)}>
              <Icon name="x" />
            </button>
          </div>
        ))}
      </div>
    </ToastContext>
  );
}

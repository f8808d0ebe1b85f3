/** Asks before an action that costs much or cannot be undone. */
import { createContext, type ReactNode, useCallback, useContext, useState } from "react";
import { t } from "../text/text.ts";
import { Dialog } from "./dialog.tsx";

export interface Question {
  title: string;
  /** What happens. */
  body: ReactNode;
  /** Label of the button that does it. */
  action: string;
  isDangerous?: boolean;
}

type Ask = (question: Question) => Promise<boolean>;
const ConfirmContext = createContext<Ask>(() => Promise.resolve(false));

/** Returns a function that asks and resolves to true if the user confirms. */
export function useConfirm(): Ask {
  return useContext(ConfirmContext);
}

export function ConfirmProvider({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState<{ question: Question; answer(isYes: boolean): void }>();
  const ask = useCallback<Ask>((question) => new Promise((answer) => setOpen({ question, answer })), []);
  const end = (isYes: boolean) => {
    open?.answer(isYes);
    setOpen(undefined);
  };
  return (
    <ConfirmContext value={ask}>
      {children}
      {open && (
        <Dialog title={open.question.title} narrow onClose={() => end(false)}>
          <div>{open.question.body}</div>
          <div className="actions end">
            <button type="button" onClick={() => end(false)}>
              {t.confirm.keep}
            </button>
            <button
              type="button"
              // biome-ignore lint/a11y/noAutofocus: a confirmation is answered by Enter
              autoFocus={!open.question.isDangerous}
              className={open.question.isDangerous ? "danger" : "primary"}
              onClick={() => end(true)}
            >
              {open.question.action}
            </button>
          </div>
        </Dialog>
      )}
    </ConfirmContext>
  );
}

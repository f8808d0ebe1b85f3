/** Asks for a name and stores the plan as a template. */
import type { PlanInput } from "@mjflow/client";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Dialog } from "../kit/dialog.tsx";
import { useToasts } from "../kit/toast.tsx";
import { TEMPLATE_NAME } from "../lib/template.ts";
import { useAction, useTemplates } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { Problem } from "./problem.tsx";

export function TemplateDialog({ then, onClose }: { then: PlanInput[]; onClose(): void }) {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const { show } = useToasts();
  const { act, busy, off, error } = useAction();
  const { data } = useTemplates();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const isKnown = data?.some((template) => template.name === name) ?? false;
  async function submit(event: FormEvent) {
    event.preventDefault();
    // Both dialogs of Create are inside its form.
    event.stopPropagation();
    const isDone = await act("save", async () => {
      await mjflow.templates.put(name, { then, ...(description.trim() && { description: description.trim() }) });
      await queries.invalidateQueries({ queryKey: ["templates"] });
    });
    if (!isDone) return;
    show(t.templates.saved(name));
    onClose();
  }
  return (
    <Dialog title={t.templates.save} hint={t.templates.saveHint} narrow onClose={onClose}>
      <form onSubmit={submit}>
        <label>
          {t.common.name}
          <input
            required
            pattern={TEMPLATE_NAME}
            title={t.templates.nameRule}
            value={name}
            placeholder="poster"
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <label>
          {t.templates.description}
          <input value={description} maxLength={200} onChange={(event) => setDescription(event.target.value)} />
        </label>
        {isKnown && <p className="note small">{t.templates.replaces}</p>}
        <Problem error={error} />
        <div className="actions end">
          <button type="button" onClick={onClose}>
            {t.common.cancel}
          </button>
          <button type="submit" className="primary" {...off} disabled={off.disabled || name === ""}>
            {busy ? t.common.saving : t.common.save}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

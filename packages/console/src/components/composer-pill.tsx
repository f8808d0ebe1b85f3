/** On a phone, above the tabs: a prompt that goes on in Create, where its price is shown before anything is sent. */
import { type FormEvent, useState } from "react";
import { Icon } from "../kit/icon.tsx";
import { EMPTY_FORM } from "../lib/form.ts";
import { hrefOf } from "../lib/route.ts";
import { t } from "../text/page-text.ts";
import { useEditAsNew } from "./use-edit-as-new.ts";

export default function ComposerPill() {
  const { editAsNew } = useEditAsNew();
  const [prompt, setPrompt] = useState("");
  function goOn(event: FormEvent) {
    event.preventDefault();
    // Without a prompt the draft of Create stays as it is.
    if (prompt.trim() === "") location.hash = hrefOf({ page: "create" });
    else editAsNew({ ...EMPTY_FORM, prompt });
  }
  return (
    <form className="composer-pill" onSubmit={goOn}>
      <input
        aria-label={t.pill.prompt}
        placeholder={t.pill.hint}
        enterKeyHint="go"
        value={prompt}
        onChange={(event) => setPrompt(event.target.value)}
      />
      <button type="submit" className="primary icon-button" aria-label={t.pill.goOn} title={t.pill.goOn}>
        <Icon name="arrow-up" />
      </button>
    </form>
  );
}

/** Opens the Create page filled in. */
import type { Flow } from "@mjflow/client";
import { formOf, openDraft } from "../lib/draft.ts";
import type { FlowForm } from "../lib/form.ts";
import { hrefOf } from "../lib/route.ts";
import { useApiCapabilities } from "../queries.ts";

export function useEditAsNew() {
  const { can } = useApiCapabilities();
  const open = (form: FlowForm, from = "") => {
    openDraft(form);
    location.hash = hrefOf({ page: "create", query: { from } });
  };
  return {
    editAsNew: (form: FlowForm) => open(form),
    /** With the flow's request as base, if the API can use it again: then its images are kept. */
    editFlow: (flow: Flow) => open(formOf(flow), can("POST", "/v1/flows/{id}/rerun") ? flow.id : ""),
  };
}

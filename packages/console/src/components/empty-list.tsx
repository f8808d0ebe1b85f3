/** What a list shows instead of rows: how to remove the filters, or how to create the first images. */
import { Icon } from "../kit/icon.tsx";
import { hrefOf } from "../lib/route.ts";
import { t } from "../text/text.ts";

export function EmptyList(props: { isFiltered: boolean; noMatch: string; nothing: string; onClear: () => void }) {
  if (props.isFiltered)
    return (
      <div className="empty">
        <p>{props.noMatch}</p>
        <button type="button" onClick={props.onClear}>
          {t.common.clearFilters}
        </button>
      </div>
    );
  return (
    <div className="empty">
      <span className="ghost-images" aria-hidden="true">
        <i />
        <i />
        <i />
        <i />
      </span>
      <p>{props.nothing}</p>
      <a className="button primary" href={hrefOf({ page: "create" })}>
        <Icon name="sparkles" />
        {t.gallery.createImages}
      </a>
    </div>
  );
}

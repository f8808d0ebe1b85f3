import { DeadLetterList } from "../components/dead-letter-list.tsx";
import { ModalList } from "../components/modal-list.tsx";
import { PollingBanner } from "../components/polling-banner.tsx";
import { Overdue, Queues } from "../components/queue-list.tsx";
import { UnclearList } from "../components/unclear-list.tsx";
import { UsageFigures } from "../components/usage-figures.tsx";
import { VendorList } from "../components/vendor-list.tsx";
import { t } from "../text/text.ts";

/** Health page. Sections that may need an action of the operator come first. */
export default function HealthPage() {
  return (
    <section className="page health">
      <h1>{t.pages.health}</h1>
      <PollingBanner />
      <Overdue />
      <UnclearList />
      <ModalList />
      <DeadLetterList />
      <Queues />
      <VendorList />
      <UsageFigures />
    </section>
  );
}

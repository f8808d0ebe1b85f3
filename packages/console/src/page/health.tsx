import { DeadLetterList } from "../part/dead-letter-list.tsx";
import { ModalList } from "../part/modal-list.tsx";
import { Overdue, Queues } from "../part/queue-list.tsx";
import { UnclearList } from "../part/unclear-list.tsx";
import { UsageFigures } from "../part/usage-figures.tsx";
import { VendorList } from "../part/vendor-list.tsx";

/** What may want a person first. */
export function HealthPage() {
  return (
    <section className="page">
      <h1>Health</h1>
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

import { LetterList } from "../part/letter-list.tsx";
import { Overdue, Queues } from "../part/queue-list.tsx";
import { UnclearList } from "../part/unclear-list.tsx";
import { UsageFigures } from "../part/usage-figures.tsx";
import { VendorList } from "../part/vendor-list.tsx";
import { WindowList } from "../part/window-list.tsx";

/** What may want a person first. */
export function HealthPage() {
  return (
    <section className="page">
      <h1>Health</h1>
      <Overdue />
      <UnclearList />
      <WindowList />
      <LetterList />
      <Queues />
      <VendorList />
      <UsageFigures />
    </section>
  );
}

/** The lightbox of the address: `?pic=<task id>.<number>`, over any page. It also opens a picture that the page has not loaded. */
import { useQuery } from "@tanstack/react-query";
import { lazy } from "react";
import { replaceQuery } from "../hooks.ts";
import { Part } from "../kit/part.tsx";
import { type Shot, shotsOf, sourceOfTask } from "../lib/shot.ts";
import { useMjflow } from "../session.ts";

const Lightbox = lazy(() => import("./lightbox.tsx").then(({ Lightbox: component }) => ({ default: component })));

export function ShotLightbox({ shots, current }: { shots: readonly Shot[]; current: string }) {
  const mjflow = useMjflow();
  const isLoaded = shots.some(({ id }) => id === current);
  const taskId = current.slice(0, current.lastIndexOf("."));
  const { data: others } = useQuery({
    queryKey: ["shots", taskId],
    queryFn: async () => shotsOf(sourceOfTask(await mjflow.tasks.get(taskId), null)),
    enabled: !isLoaded && taskId !== "",
  });
  const all = isLoaded ? shots : (others ?? []);
  const shown = all.find(({ id }) => id === current) ?? all[0];
  if (!shown) return null;
  const close = () => {
    const tile = document.querySelector<HTMLElement>(`[data-shot="${CSS.escape(shown.id)}"]`);
    replaceQuery({ pic: "" });
    requestAnimationFrame(() => tile?.focus({ preventScroll: true }));
  };
  return (
    <Part>
      <Lightbox shots={all} current={shown.id} onShow={(id) => replaceQuery({ pic: id })} onClose={close} />
    </Part>
  );
}

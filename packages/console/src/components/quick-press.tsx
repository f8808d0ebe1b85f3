/** A button of a finished task, outside of its panel: one click presses it. A press above the limit of the user asks first. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Icon } from "../kit/icon.tsx";
import { useToasts } from "../kit/toast.tsx";
import { priceOfPress } from "../lib/flow-plan.ts";
import { usd } from "../lib/money.ts";
import { pressLabel } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import type { Shot } from "../lib/shot.ts";
import { toMjflowError, useAction } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { useAskPrice } from "./ask-price.ts";

interface QuickPressProps {
  /** A picture of the task. */
  shot: Pick<Shot, "flowId" | "taskId">;
  /** Press name, for example `upscale:1`. */
  press: string;
  hasPrice?: boolean;
}

export function QuickPress({ shot: { flowId, taskId }, press, hasPrice }: QuickPressProps) {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const askPrice = useAskPrice();
  const { show } = useToasts();
  const { off } = useAction();
  const [isPressed, setPressed] = useState(false);
  const [name, price] = [pressLabel(press), priceOfPress(press, null)];

  async function act() {
    if (!(await askPrice({ name, priceUsd: price }))) return;
    setPressed(true);
    try {
      const { id } = await mjflow.tasks.press(taskId, { press });
      void queries.invalidateQueries({ queryKey: ["flows"] });
      const run = () => {
        location.hash = hrefOf({ page: "flow", id: flowId, task: id });
      };
      show(t.recent.started(name), { name: t.lightbox.goToFlow, run });
    } catch (error) {
      setPressed(false);
      show(toMjflowError(error).message);
    }
  }
  return (
    <button
      type="button"
      className="chip"
      title={off.title ?? t.task.pressFor(name, usd(price))}
      disabled={isPressed || off.disabled}
      onClick={() => void act()}
    >
      {isPressed && <Icon name="check" size="tiny" />}
      {name}
      {hasPrice && <span className="price">{usd(price)}</span>}
    </button>
  );
}

/** What is done most with a picture of a result with four: upscale it, and vary it. */
export function TilePresses({ shot }: { shot: Shot }) {
  return (
    <span className="tile-presses">
      {["upscale", "variation"].map((verb) => (
        <QuickPress key={verb} shot={shot} press={`${verb}:${shot.number}`} hasPrice />
      ))}
    </span>
  );
}

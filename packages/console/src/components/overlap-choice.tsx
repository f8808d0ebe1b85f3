/** What a rotation does, and for how long the previous key or secret stays valid. It is the body of a confirmation. */
import { type Question, useConfirm } from "../kit/confirm.tsx";
import { t } from "../text/page-text.ts";

/** Overlaps in seconds. */
const OVERLAPS = [0, 3_600, 86_400, 604_800] as const;
type Overlap = (typeof OVERLAPS)[number];

interface Rotation extends Omit<Question, "body"> {
  /** What the rotation does. */
  about: string;
  initial: Overlap;
}

/** Returns a function that asks before a rotation. It resolves to the chosen overlap in seconds, undefined if the user keeps the key. */
export function useAskOverlap(): (rotation: Rotation) => Promise<number | undefined> {
  const confirm = useConfirm();
  return async ({ about, initial, ...question }) => {
    let overlapS: number = initial;
    const choose = (seconds: number) => {
      overlapS = seconds;
    };
    const body = <OverlapChoice about={about} initial={initial} onChange={choose} />;
    return (await confirm({ ...question, body })) ? overlapS : undefined;
  };
}

/** @param onChange is called with the overlap in seconds */
function OverlapChoice(props: { about: string; initial: Overlap; onChange(overlapS: number): void }) {
  const { about, initial, onChange } = props;
  return (
    <>
      <p>{about}</p>
      <label>
        {t.overlap.label}
        <select
          name="overlap"
          defaultValue={String(initial)}
          onChange={(event) => onChange(Number(event.target.value))}
        >
          {OVERLAPS.map((seconds) => (
            <option key={seconds} value={seconds}>
              {t.overlap.options[seconds]}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

/** What a rotation does, and for how long the previous key or secret stays valid. It is the body of a confirmation. */
import { t } from "../text/page-text.ts";

/** Overlaps in seconds. */
const OVERLAPS = [0, 3_600, 86_400, 604_800] as const;
type Overlap = (typeof OVERLAPS)[number];

/** @param onChange is called with the overlap in seconds */
export function OverlapChoice(props: { about: string; initial: Overlap; onChange(overlapS: number): void }) {
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

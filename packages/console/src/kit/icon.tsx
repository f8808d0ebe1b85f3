/** Icons of one sprite file. A `<use>` of an external file costs no JavaScript, and the page's policy allows it. */
const SPRITE = new URL("./icons.svg", import.meta.url).href;

export interface IconProps {
  name: string;
  size?: "tiny" | "large";
  className?: string;
}

export function Icon({ name, size, className }: IconProps) {
  return (
    <svg className={["icon", size, className].filter(Boolean).join(" ")} aria-hidden="true">
      <use href={`${SPRITE}#${name}`} />
    </svg>
  );
}

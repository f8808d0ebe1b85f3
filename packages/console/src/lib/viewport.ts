/** Pan and zoom of a canvas. Pure: a view maps a point of the plane to `x + scale · point`. */
export interface View {
  x: number;
  y: number;
  scale: number;
}

export interface Box {
  width: number;
  height: number;
}

export const MIN_SCALE = 0.1;
export const MAX_SCALE = 2;
/** A first view below this scale shows the root instead of everything. */
const READABLE_SCALE = 0.45;
const MARGIN = 24;

/** Returns the view that shows the whole plane, never larger than its natural size. */
export function fitted(plane: Box, port: Box): View {
  const room = { width: port.width - 2 * MARGIN, height: port.height - 2 * MARGIN };
  const scale = clampedScale(Math.min(1, room.width / plane.width, room.height / plane.height));
  return { scale, x: (port.width - plane.width * scale) / 2, y: (port.height - plane.height * scale) / 2 };
}

/** Returns the first view: everything if it is readable then, else the root at the left edge in the middle. */
export function firstView(plane: Box, port: Box, root: { x: number; y: number }): View {
  const all = fitted(plane, port);
  if (all.scale >= READABLE_SCALE) return all;
  const scale = READABLE_SCALE;
  return { scale, x: MARGIN - root.x * scale, y: port.height / 2 - root.y * scale };
}

/** Zooms by a factor and keeps the point under the pointer. @param at point in the port */
export function zoomed(
  { x, y, scale }: View,
  factor: number,
  at: { x: number; y: number },
  max: number = MAX_SCALE,
): View {
  const next = Math.min(max, Math.max(MIN_SCALE, scale * factor));
  const ratio = next / scale;
  return { scale: next, x: at.x - (at.x - x) * ratio, y: at.y - (at.y - y) * ratio };
}

/** Returns the view moved as little as possible, so that the rectangle of the plane is visible. */
export function revealing(view: View, rect: Box & { x: number; y: number }, port: Box): View {
  const shift = (from: number, size: number, room: number) => {
    if (from < MARGIN || size > room - 2 * MARGIN) return MARGIN - from;
    return Math.min(0, room - MARGIN - (from + size));
  };
  const { x, y, scale } = view;
  return {
    scale,
    x: x + shift(x + rect.x * scale, rect.width * scale, port.width),
    y: y + shift(y + rect.y * scale, rect.height * scale, port.height),
  };
}

/** Returns true if the middle of the rectangle is in the port: then a selection does not move the view. */
export function isSeen({ x, y, scale }: View, rect: Box & { x: number; y: number }, port: Box): boolean {
  const [atX, atY] = [x + (rect.x + rect.width / 2) * scale, y + (rect.y + rect.height / 2) * scale];
  return atX >= 0 && atX <= port.width && atY >= 0 && atY <= port.height;
}

/** Part of the port around it in which nodes exist already. Every move renders again, so it can be small. */
const NEAR = 0.1;

/** Returns true if the rectangle of the plane is in the port, or close to it. */
export function isNear({ x, y, scale }: View, rect: Box & { x: number; y: number }, port: Box): boolean {
  const [left, top] = [x + rect.x * scale, y + rect.y * scale];
  return (
    left + rect.width * scale > -port.width * NEAR &&
    left < port.width * (1 + NEAR) &&
    top + rect.height * scale > -port.height * NEAR &&
    top < port.height * (1 + NEAR)
  );
}

/** Elements that the cards of a canvas may have together. Lines, tools and the minimap are few. */
const MAX_ELEMENTS = 350;
/** Elements of a card with everything: the button, the picture, the texts and the icon. */
const FULL_CARD = 8;

/**
 * How much a card shows. `full`: all. `plain`: one element with picture and caption. `tiny`: one element with only its color.
 * `drawn`: no element; all cards are one drawing.
 */
export type Detail = "full" | "plain" | "tiny" | "drawn";

/** Returns the most detail that can be read at this scale, and whose elements are not too many. */
export function detailOf(scale: number, cards: number): Detail {
  if (cards > MAX_ELEMENTS) return "drawn";
  if (scale < 0.2) return "tiny";
  return scale < 0.6 || cards * FULL_CARD > MAX_ELEMENTS ? "plain" : "full";
}

function clampedScale(scale: number): number {
  return Math.min(MAX_SCALE, Math.max(MIN_SCALE, scale));
}

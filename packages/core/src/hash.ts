/** FNV-1a of a text, 32 bits. It spreads ULIDs evenly. It must not change while rows exist, because keys are made of it. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

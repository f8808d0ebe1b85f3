/** Seeded random numbers: the same seed and the same requests in the same order give the same results. */
import { createHash } from "node:crypto";

export interface Random {
  /** Returns a value with 0 <= value < 1. */
  next(): number;
  /** Returns an integer with 0 <= value < below. */
  int(below: number): number;
  chance(probability: number): boolean;
  shuffle<T>(items: readonly T[]): T[];
}

/** Creates a mulberry32 generator: small, fast and good enough for delays and colors. */
export function seededRandom(seed: number | string): Random {
  let a = typeof seed === "number" ? seed >>> 0 : hash32(seed);
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (below: number) => Math.floor(next() * below);
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    shuffle(items) {
      const out = [...items];
      for (let i = out.length - 1; i > 0; i--) {
        const j = int(i + 1);
        [out[i], out[j]] = [out[j]!, out[i]!];
      }
      return out;
    },
  };
}

/** Returns the FNV-1a hash of the UTF-16 code units. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Returns a job id in Midjourney's format; the same name gives the same id. */
export function uuidOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Returns digits like a Discord snowflake; the same name gives the same digits. */
export function snowflakeOf(name: string): string {
  const digits = BigInt(`0x${createHash("sha256").update(name).digest("hex").slice(0, 16)}`).toString();
  return `1${digits.padStart(18, "0").slice(-18)}`;
}

/**
 * Words a stage does not send to any vendor: found in a prompt before anything is written or paid. Letters are compared
 * as readers see them (compatibility forms, case, what has no width), and a word is found where it stands alone: "ass" is
 * not in "grass". Scripts written without spaces have no such borders, so there a word is found wherever it stands.
 */
import type { PlanInput } from "./request.ts";

/** The operator's list, as it is stored. */
export interface BannedList {
  rev: number;
  words: string[];
  updatedAt: number;
}

export interface Prompt {
  /** As a JSON path of the request: `then[0].modal.prompt`. */
  field: string;
  text: string;
}

/** All that a request would have a vendor read. */
export function promptsIn({ prompt, modal, then }: Partial<Omit<PlanInput, "press">>, at = ""): Prompt[] {
  const field = (name: string) => (at === "" ? name : `${at}.${name}`);
  return [
    ...(prompt === undefined ? [] : [{ field: field("prompt"), text: prompt }]),
    ...(modal?.prompt === undefined ? [] : [{ field: field("modal.prompt"), text: modal.prompt }]),
    ...(then ?? []).flatMap((node, i) => promptsIn(node, field(`then[${i}]`))),
  ];
}

/** Answers the first banned word in a text, as the list has it. */
export type FindBanned = (text: string) => string | undefined;

/** @param words those that nothing is left of (spaces, marks without width) find nothing */
export function bannedFinder(words: readonly string[]): FindBanned {
  const list = words.map((word) => ({ plain: normalizeForMatching(word), word }));
  // What nothing is left of begins with undefined, as no place in a text does.
  const byFirst = Map.groupBy(list, ({ plain }) => plain[0]);
  if (byFirst.size === 0) return () => undefined;
  return (text) => {
    const plain = normalizeForMatching(text);
    for (let at = 0; at < plain.length; at++) {
      const found = byFirst.get(plain[at])?.find((banned) => isWordAt(plain, at, banned.plain));
      if (found) return found.word;
    }
    return undefined;
  };
}

/** Soft hyphens, joiners, marks of direction, variation selectors: letters can hide behind what nobody sees. */
const INVISIBLE_CHARACTERS = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;

export function normalizeForMatching(text: string): string {
  // Lower and upper: either sharp s is "SS", and both Greek sigmas are one wherever they stand. Composed again, for case
  // can take letters apart.
  const folded = text.normalize("NFKC").replace(INVISIBLE_CHARACTERS, "").toLowerCase().toUpperCase().normalize("NFKC");
  return folded.replace(/\s+/gu, " ").trim();
}

function isWordAt(text: string, at: number, word: string): boolean {
  if (!text.startsWith(word, at)) return false;
  const end = at + word.length;
  return !isJoined(before(text, at), text.codePointAt(at)) && !isJoined(before(text, end), text.codePointAt(end));
}

/** The code point that ends before `at`: none where the text begins. */
function before(text: string, at: number): number | undefined {
  const low = text.charCodeAt(at - 1);
  const isPair = low >= 0xdc00 && low <= 0xdfff;
  return text.codePointAt(isPair ? at - 2 : at - 1);
}

/** Two letters or digits of one word: no border is between them. */
function isJoined(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && isSpaced(a) && isSpaced(b);
}

const LETTER = /[\p{L}\p{M}\p{N}]/u;
/** Written without spaces, or, in Korean, with particles on every word. */
const SCRIPTS_WITHOUT_SPACES =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}]/u;

function isSpaced(codePoint: number): boolean {
  const deadLetter = String.fromCodePoint(codePoint);
  return LETTER.test(deadLetter) && !SCRIPTS_WITHOUT_SPACES.test(deadLetter);
}

/** `MJFLOW_BANNED_WORDS`: a JSON list, or words between commas or line ends. @throws Error for JSON that is no list of words */
export function bannedWordsOf(text: string): string[] {
  if (!text.trimStart().startsWith("["))
    return text
      .split(/[,\n]/)
      .map((word) => word.trim())
      .filter((word) => word !== "");
  const list: unknown = JSON.parse(text);
  if (Array.isArray(list) && list.every((word) => typeof word === "string")) return list;
  throw new Error("MJFLOW_BANNED_WORDS must be a JSON list of words");
}

/**
 * Banned words: words that a deployment does not send to any vendor. They are searched in every prompt before anything is
 * written or paid. Text is compared as readers see it: compatibility forms, case and invisible characters make no
 * difference. A banned word matches only as a whole word, so "ass" does not match in "grass". Scripts without spaces have
 * no word borders, so a word in such a script matches anywhere.
 */
import type { PlanInput } from "./request.ts";

/** The operator's list, as stored in the table. */
export interface BannedList {
  rev: number;
  words: string[];
  updatedAt: number;
}

export interface Prompt {
  /** JSON path of the prompt in the request, such as `then[0].modal.prompt`. */
  field: string;
  text: string;
}

/** Lists all texts of a request that a vendor would read. */
export function promptsIn({ prompt, modal, then }: Partial<Omit<PlanInput, "press">>, at = ""): Prompt[] {
  const field = (name: string) => (at === "" ? name : `${at}.${name}`);
  return [
    ...(prompt === undefined ? [] : [{ field: field("prompt"), text: prompt }]),
    ...(modal?.prompt === undefined ? [] : [{ field: field("modal.prompt"), text: modal.prompt }]),
    ...(then ?? []).flatMap((node, i) => promptsIn(node, field(`then[${i}]`))),
  ];
}

/** Returns the first banned word in a text, in the spelling of the list; undefined if there is none. */
export type FindBanned = (text: string) => string | undefined;

/** @param words a word that consists only of spaces or invisible characters matches nothing */
export function bannedFinder(words: readonly string[]): FindBanned {
  const list = words.map((word) => ({ plain: normalizeForMatching(word), word }));
  // A word without visible characters has the first character `undefined`, which no position in a text has.
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

/**
 * Soft hyphens, joiners, direction marks and variation selectors. They would hide a banned word from the search without
 * any visible difference.
 */
const INVISIBLE_CHARACTERS = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;

export function normalizeForMatching(text: string): string {
  // Lower case, then upper case: both forms of the sharp s become "SS", and both small sigmas become one letter.
  // The text is normalized again at the end, because changing the case can decompose characters.
  const folded = text.normalize("NFKC").replace(INVISIBLE_CHARACTERS, "").toLowerCase().toUpperCase().normalize("NFKC");
  return folded.replace(/\s+/gu, " ").trim();
}

function isWordAt(text: string, at: number, word: string): boolean {
  if (!text.startsWith(word, at)) return false;
  const end = at + word.length;
  return !isJoined(before(text, at), text.codePointAt(at)) && !isJoined(before(text, end), text.codePointAt(end));
}

/** Returns the code point that ends before `at`; undefined at the start of the text. */
function before(text: string, at: number): number | undefined {
  const low = text.charCodeAt(at - 1);
  const isPair = low >= 0xdc00 && low <= 0xdfff;
  return text.codePointAt(isPair ? at - 2 : at - 1);
}

/** Returns true if both code points belong to the same word, so that no word border is between them. */
function isJoined(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && isSpaced(a) && isSpaced(b);
}

const WORD_CHARACTER = /[\p{L}\p{M}\p{N}]/u;
/** Scripts written without spaces, and Korean, which adds particles to its words. */
const SCRIPTS_WITHOUT_SPACES =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}]/u;

function isSpaced(codePoint: number): boolean {
  const character = String.fromCodePoint(codePoint);
  return WORD_CHARACTER.test(character) && !SCRIPTS_WITHOUT_SPACES.test(character);
}

/**
 * Parses `MJFLOW_BANNED_WORDS`: a JSON list, or words separated by commas or line ends.
 *
 * @throws Error if the text is JSON but not a list of words
 */
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

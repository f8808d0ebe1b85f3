/**
 * Reports words that readers outside the project do not know, and sentences that need a second reading. The words and
 * their replacements are in words.json; docs/glossary.md and docs/style.md explain both.
 */
import { readFileSync } from "node:fs";
import { type Piece, type PieceKind, piecesOfCode, piecesOfMarkdown } from "./pieces.ts";

export type Check = "word" | "long" | "start" | "inversion";

export interface Finding {
  line: number;
  check: Check;
  /** What was found, at most 150 characters. */
  text: string;
  /** What to write instead. */
  use: string;
}

interface WordList {
  /** `word` and `not` are regular expressions; a line that fits `not` is allowed. `in`: only in these kinds of text. */
  words: { word: string; use: string; not?: string; in?: PieceKind[] }[];
  /** First words of a sentence that hide its subject. */
  starts: { pattern: string; use: string }[];
  /** "should it fail" and the like: conditions without "if". */
  inversions: string;
  /** Words in a sentence, at the most. */
  longest: number;
}

const list = JSON.parse(readFileSync(new URL("words.json", import.meta.url), "utf8")) as WordList;
const words = list.words.map(({ word, use, not, in: kinds }) => ({
  pattern: new RegExp(`(?<![\\w-])(?:${word})(?![\\w-])`, "gi"),
  use,
  not: not === undefined ? undefined : new RegExp(not, "i"),
  kinds,
}));
const starts = list.starts.map(({ pattern, use }) => ({ pattern: new RegExp(pattern), use }));
const inversion = new RegExp(list.inversions, "i");

/** A piece or a line of code with this text in it is not checked. It is for a word that cannot change, such as public JSON. */
const EXEMPT = "plain-words: ok";
const LIST_ITEM = /^\s*(?:[-*•]\s|[A-Z]{1,2}\d{1,2}\s+|@\w+\s*)/;
const SENTENCE_END = /[.!?:]["')]?$/;
const SENTENCE_BREAK = /(?<=[.!?:]["')]?)\s+(?=[A-Z"(`x])/;

/** @param file decides how the text is read: Markdown by its ending, tests by their names */
export function findingsIn(file: string, text: string): Finding[] {
  if (file.endsWith(".md")) return piecesOfMarkdown(text).flatMap(findingsOf);
  const isTest = /(?:^|\/)test\/|\.test\.|\.case\.|\.infra\.|test-/.test(file);
  const lines = text.split("\n");
  return piecesOfCode(text, isTest)
    .flatMap(findingsOf)
    .filter(({ line }) => !lines[line - 1]?.includes(EXEMPT));
}

function findingsOf(piece: Piece): Finding[] {
  if (piece.text.includes(EXEMPT) || piece.text.includes("biome-ignore")) return [];
  const lines = withoutCode(piece.text)
    .split("\n")
    .map((line) => (isDrawing(line) ? "" : line));
  const found = lines.flatMap((line, i) => wordsIn(line, piece).map((word) => ({ ...word, line: piece.line + i })));
  const isSentence = piece.kind !== "cell" && piece.kind !== "title";
  return isSentence
    ? [...found, ...sentencesOf(lines).flatMap((sentence) => findingsOfSentence(piece, sentence))]
    : found;
}

/** Code, links, quoted prompts and quoted names are replaced by as many other characters. */
function withoutCode(text: string): string {
  return text
    .replace(/`[^`\n]*`/g, (match) => "x".repeat(match.length))
    .replace(/\]\([^)\s]*\)/g, (match) => "]".padEnd(match.length, " "))
    .replace(/https?:\/\/\S+/g, (match) => "x".repeat(match.length))
    .replace(/"[^"\n]{1,120}"|“[^”\n]{1,120}”/g, (match) => `"${"x".repeat(match.length - 2)}"`);
}

function isDrawing(line: string): boolean {
  return /[─►▼▲│└┌┐┘├┤]|^\s{4,}\S|={3,}/.test(line) || /^@\w+/.test(line.trim());
}

function wordsIn(line: string, piece: Piece): Omit<Finding, "line">[] {
  const kind = piece.kind === "cell" ? "markdown" : piece.kind;
  const taken: [from: number, to: number][] = [];
  const found: Omit<Finding, "line">[] = [];
  for (const { pattern, use, not, kinds } of words) {
    if (kinds && !kinds.includes(kind)) continue;
    for (const match of line.matchAll(pattern)) {
      const [from, to] = [match.index, match.index + match[0].length];
      if (taken.some(([a, b]) => from < b && a < to) || not?.test(line)) continue;
      taken.push([from, to]);
      found.push({ check: "word", text: match[0], use });
    }
  }
  return found;
}

interface Sentence {
  /** Lines after the first line of its piece. */
  offset: number;
  text: string;
}

/** A list item, a rule and a tag start a sentence too. */
function sentencesOf(lines: readonly string[]): Sentence[] {
  const sentences: Sentence[] = [];
  let open: Sentence | undefined;
  const end = () => {
    if (open) sentences.push({ ...open, text: open.text.trim() });
    open = undefined;
  };
  lines.forEach((line, offset) => {
    if (line.trim() === "" || LIST_ITEM.test(line)) end();
    for (const part of line.replace(LIST_ITEM, "").split(SENTENCE_BREAK)) {
      if (part.trim() === "") continue;
      open = { offset: open?.offset ?? offset, text: `${open?.text ?? ""}${part} ` };
      if (SENTENCE_END.test(part.trim())) end();
    }
  });
  end();
  return sentences;
}

function findingsOfSentence({ kind, line }: Piece, { offset, text }: Sentence): Finding[] {
  const found: Finding[] = [];
  const report = (check: Check, what: string, use: string) =>
    found.push({ line: line + offset, check, text: what.replace(/\s+/g, " ").slice(0, 150), use });
  const count = text.split(/\s+/).filter((word) => /[A-Za-z]/.test(word)).length;
  if (count > list.longest)
    report("long", `${count} words: ${text}`, `at most ${list.longest} words, one fact a sentence`);
  const start = kind === "comment" ? starts.find(({ pattern }) => pattern.test(text)) : undefined;
  if (start) report("start", text, start.use);
  const inverted = inversion.exec(text);
  if (inverted && !text.endsWith("?")) report("inversion", `…${inverted[0]}`, "'if …'");
  return found;
}

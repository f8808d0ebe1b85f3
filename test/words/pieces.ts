/** Finds the text that people read: comments, user-visible strings, test titles, JSX text and Markdown paragraphs. */
import jsTokens, { type JSXToken, type Token } from "js-tokens";

export type PieceKind = "comment" | "message" | "title" | "markdown" | "cell";

export interface Piece {
  kind: PieceKind;
  /** The line on which `text` starts, from 1. */
  line: number;
  text: string;
}

const TITLE_CALL = /\b(?:it|test|describe)(?:\.\w+)*(?:\([^()]*\))?\($/;
/** SQL, import text and program text are strings, but no sentences for readers. */
const PROGRAM =
  /^\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|BEGIN|import )|[{};=<>]{2}|\bclass=|=>|\{[^{}]*:[^{}]*;/;
const WORDS = /[A-Za-z]{2,} [A-Za-z]{2,}/;
const LINE_BREAK = /\n/g;

/**
 * @param isTest in tests a string is a title if it is the first argument of `it`, `test` or `describe`; other strings of
 * tests are data
 */
export function piecesOfCode(code: string, isTest: boolean): Piece[] {
  const pieces: Piece[] = [];
  let line = 1;
  /** The code before the current token, without spaces: as much as a title call needs. */
  let before = "";
  let lineComment: { piece: Piece; next: number } | undefined;
  for (const token of jsTokens(code, { jsx: true })) {
    if (token.type === "SingleLineComment") {
      const text = token.value.slice(2).trim();
      if (lineComment?.next === line) lineComment.piece.text += `\n${text}`;
      else {
        lineComment = { piece: { kind: "comment", line, text }, next: line };
        pieces.push(lineComment.piece);
      }
      lineComment.next = line + 1;
    } else if (token.type === "MultiLineComment") {
      pieces.push({ kind: "comment", line, text: blockCommentText(token.value) });
    } else if (token.type === "JSXText") {
      if (/[A-Za-z]{3,}/.test(token.value)) pieces.push({ kind: "message", line, text: token.value });
    } else if (isString(token)) {
      const text = stringText(token.value);
      if (isTest && TITLE_CALL.test(before)) pieces.push({ kind: "title", line, text });
      else if (!isTest && WORDS.test(text) && !PROGRAM.test(text)) pieces.push({ kind: "message", line, text });
    }
    if (token.type !== "WhiteSpace" && token.type !== "LineTerminatorSequence" && !token.type.endsWith("Comment")) {
      before = `${before}${token.value}`.slice(-120);
    }
    line += token.value.match(LINE_BREAK)?.length ?? 0;
  }
  return pieces;
}

function isString({ type }: Token | JSXToken): boolean {
  return type === "StringLiteral" || type === "JSXString" || type.includes("Template");
}

/** The text without its quotes; the expressions of a template stand between its tokens and are not part of them. */
function stringText(value: string): string {
  return value.replace(/^["'`}]/, "").replace(/(?:["'`]|\$\{)$/, "");
}

function blockCommentText(value: string): string {
  const lines = value
    .replace(/^\/\*+/, "")
    .replace(/\*\/$/, "")
    .split("\n");
  return lines.map((line) => line.replace(/^\s*\*? ?/, "")).join("\n");
}

export function piecesOfMarkdown(text: string): Piece[] {
  const pieces: Piece[] = [];
  let paragraph: Piece | undefined;
  let isCode = false;
  text.split("\n").forEach((raw, index) => {
    const line = index + 1;
    if (/^\s*```/.test(raw)) {
      isCode = !isCode;
      paragraph = undefined;
      return;
    }
    if (isCode) return;
    const isRow = raw.startsWith("|");
    if (raw.trim() === "" || isRow || /^\s*(?:[-*#>]|\d+\.)\s/.test(raw)) paragraph = undefined;
    if (raw.trim() === "") return;
    if (isRow) {
      for (const cell of raw.split("|")) if (cell.trim()) pieces.push({ kind: "cell", line, text: cell.trim() });
      return;
    }
    const body = raw.replace(/^\s*(?:[-*#>]+|\d+\.)\s/, "");
    if (paragraph) paragraph.text += `\n${body}`;
    else {
      paragraph = { kind: "markdown", line, text: body };
      pieces.push(paragraph);
    }
  });
  return pieces;
}

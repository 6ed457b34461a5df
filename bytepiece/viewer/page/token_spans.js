/** One token as an element: its text, coloured by its piece. */

import { colourOf, label, labelOfString, runsOf } from "./display.js";
import { element } from "./dom.js";

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */

const NEWLINE = 10;
const SIGNS = { space: "·", newline: "↵", tab: "→" };

/**
 * The span of an id. White space is there as such, and signs are added by the style sheet where they are wanted. Only
 * newlines are signs alone: they come last in a token, and the line breaks follow it, see `lineBreaks`.
 * @param {Vocabulary} vocabulary
 * @param {number} id
 */
export function tokenSpan(vocabulary, id) {
  const piece = vocabulary.numberOf(id);
  if (piece < 0) {
    return element("span", { class: "token special" }, labelOfString(vocabulary.specialTokens.get(id) ?? ""));
  }
  const bytes = vocabulary.piece(piece);
  return element("span", { class: `token c${colourOf(bytes)}` }, ...runsOf(bytes).map(runNode));
}

/** @param {import("./display.js").Run} run @returns {Node | string} */
function runNode({ kind, text }) {
  if (kind === "text") return text;
  if (kind === "byte" || kind === "hidden") return element("span", { class: kind }, text);
  const shown = kind === "newline" ? "" : text;
  return element("span", { class: `white ${kind}`, "data-sign": SIGNS[kind].repeat(text.length) }, shown);
}

/**
 * The newlines at the end of a token.
 * @param {Vocabulary} vocabulary
 * @param {number} id
 */
export function lineBreaks(vocabulary, id) {
  const piece = vocabulary.numberOf(id);
  if (piece < 0) return "";
  const bytes = vocabulary.piece(piece);
  return "\n".repeat(bytes.length - 1 - bytes.findLastIndex((byte) => byte !== NEWLINE));
}

/**
 * A piece in a list or a sentence: one line, coloured.
 * @param {Vocabulary} vocabulary
 * @param {number} id
 */
export function chip(vocabulary, id) {
  const piece = vocabulary.numberOf(id);
  if (piece < 0) {
    return element("span", { class: "chip special" }, labelOfString(vocabulary.specialTokens.get(id) ?? ""));
  }
  const bytes = vocabulary.piece(piece);
  return element("span", { class: `chip c${colourOf(bytes)}`, dir: "auto" }, label(bytes));
}

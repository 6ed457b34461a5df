/** Pieces as people see them: what cannot be seen is named, and nothing can be markup. */

import { characterLength } from "./text.js";

/**
 * A stretch of a piece that is shown in one way: text as it is, white space, a byte that forms no character, or a
 * character that cannot be seen, by its code point.
 * @typedef {object} Run
 * @property {"text" | "space" | "newline" | "tab" | "byte" | "hidden"} kind
 * @property {string} text
 */

const N_COLOURS = 8;

// Controls, marks of direction, joiners, variation selectors apart: what breaks a line, hides, or turns it around.
const HIDDEN = new RegExp(
  "[\\0-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb" +
    "\\ud800-\\udfff\\ue000-\\uf8ff\\ufdd0-\\ufdef\\ufffe\\uffff\\u{e0000}-\\u{10ffff}]",
  "u",
);
const MARK = /^\p{M}/u;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The number of a piece's colour: 32 bits of FNV-1a of its bytes, so that it is the same in every model.
 * @param {Uint8Array} bytes
 */
export function colourOf(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  hash ^= hash >>> 15; // the last bits alone say little of the first bytes
  return (hash >>> 0) % N_COLOURS;
}

/**
 * @param {Uint8Array} bytes
 * @returns {Run[]}
 */
export function runsOf(bytes) {
  /** @type {Run[]} */
  const runs = [];
  /** @param {Run["kind"]} kind @param {string} text */
  const add = (kind, text) => {
    const last = runs.at(-1);
    if (last?.kind === kind && (kind === "text" || kind === "space")) last.text += text;
    else runs.push({ kind, text });
  };
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    if (length === 0) {
      add("byte", bytes[at].toString(16).toUpperCase().padStart(2, "0"));
      at++;
      continue;
    }
    addCharacter(decoder.decode(bytes.subarray(at, at + length)), add);
    at += length;
  }
  if (runs[0]?.kind === "text" && MARK.test(runs[0].text)) runs[0].text = `◌${runs[0].text}`;
  return runs;
}

/** @param {string} character @param {(kind: Run["kind"], text: string) => void} add */
function addCharacter(character, add) {
  if (character === " ") add("space", " ");
  else if (character === "\n") add("newline", "\n");
  else if (character === "\t") add("tab", "\t");
  else if (HIDDEN.test(character)) add("hidden", codePoint(character));
  else add("text", character);
}

/** @param {string} character */
function codePoint(character) {
  const code = /** @type {number} */ (character.codePointAt(0));
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/**
 * A piece in one line of plain text: with signs for white space, and names in brackets for what cannot be seen.
 * @param {Uint8Array} bytes
 */
export function label(bytes) {
  const signs = { space: "␣", newline: "↵", tab: "⇥" };
  return runsOf(bytes)
    .map(({ kind, text }) => {
      if (kind === "text") return text;
      if (kind === "byte" || kind === "hidden") return `‹${text}›`;
      return signs[kind].repeat(text.length);
    })
    .join("");
}

/** A string from elsewhere, such as a name of a file, in one line. @param {string} text */
export function labelOfString(text) {
  return Array.from(text, (character) => (HIDDEN.test(character) ? `‹${codePoint(character)}›` : character)).join("");
}

/** @param {Uint8Array} bytes */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** @param {number | bigint} number */
export function grouped(number) {
  return number.toLocaleString("en-US");
}

/** Finds pieces of a vocabulary, and what stands around one. */

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */

/**
 * @typedef {object} Query
 * @property {"text" | "bytes" | "regex"} mode
 * @property {string} words what is searched for; all pieces where it is empty
 * @property {"id" | "count" | "length" | "bytes"} order
 * @property {boolean} descending
 * @property {boolean} onlyHere only pieces that no other model has
 */

/** What is wrong with a query; the message is for people. */
export class QueryError extends Error {}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The numbers of the pieces that a query finds, in its order.
 * @param {Vocabulary} vocabulary
 * @param {Query} query
 */
export function search(vocabulary, query) {
  const matches = matcher(query);
  /** @type {number[]} */
  const found = [];
  for (let k = 0; k < vocabulary.size; k++) if (matches(vocabulary.piece(k))) found.push(k);
  const numbers = Uint32Array.from(found);
  const compare = comparer(vocabulary, query.order);
  if (query.order !== "id") numbers.sort((a, b) => compare(a, b) || a - b);
  return query.descending ? numbers.reverse() : numbers;
}

/**
 * @param {Query} query
 * @returns {(piece: Uint8Array) => boolean}
 */
function matcher({ mode, words }) {
  if (words === "") return () => true;
  if (mode === "bytes") return (piece) => contains(piece, parseHex(words));
  if (mode === "text") {
    const wanted = new TextEncoder().encode(words);
    return (piece) => contains(piece, wanted);
  }
  try {
    const expression = new RegExp(words, "u");
    return (piece) => expression.test(decoder.decode(piece));
  } catch (error) {
    throw new QueryError(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} words */
function parseHex(words) {
  const digits = words.replace(/0x|[\s,\\x]/gi, "");
  if (!/^([0-9a-f]{2})+$/i.test(digits))
    throw new QueryError("Bytes are pairs of hexadecimal digits, such as e4 bd a0.");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** @param {Uint8Array} piece @param {Uint8Array} wanted */
function contains(piece, wanted) {
  for (let at = piece.indexOf(wanted[0]); at >= 0; at = piece.indexOf(wanted[0], at + 1)) {
    if (beginsWith(piece.subarray(at), wanted)) return true;
  }
  return false;
}

/** @param {Uint8Array} piece @param {Uint8Array} beginning */
function beginsWith(piece, beginning) {
  return piece.length >= beginning.length && beginning.every((byte, k) => piece[k] === byte);
}

/**
 * @param {Vocabulary} vocabulary
 * @param {Query["order"]} order
 * @returns {(a: number, b: number) => number}
 */
function comparer(vocabulary, order) {
  if (order === "count") return (a, b) => vocabulary.rankOf(a) - vocabulary.rankOf(b);
  if (order === "length") return (a, b) => vocabulary.lengthOf(a) - vocabulary.lengthOf(b);
  if (order === "bytes") return (a, b) => compareBytes(vocabulary.piece(a), vocabulary.piece(b));
  return (a, b) => a - b;
}

/** @param {Uint8Array} a @param {Uint8Array} b */
function compareBytes(a, b) {
  const n = Math.min(a.length, b.length);
  for (let k = 0; k < n; k++) if (a[k] !== b[k]) return a[k] - b[k];
  return a.length - b.length;
}

/**
 * The pieces that a piece begins with, the shortest first.
 * @param {Vocabulary} vocabulary
 * @param {number} piece
 */
export function prefixesOf(vocabulary, piece) {
  const bytes = vocabulary.piece(piece);
  const found = [];
  for (let n = 1; n < bytes.length; n++) {
    const prefix = vocabulary.find(bytes.subarray(0, n));
    if (prefix >= 0) found.push(prefix);
  }
  return found;
}

/**
 * The pieces that begin with a piece, the most frequent first.
 * @param {Vocabulary} vocabulary
 * @param {number} piece
 */
export function extensionsOf(vocabulary, piece) {
  const bytes = vocabulary.piece(piece);
  const found = [];
  for (let k = 0; k < vocabulary.size; k++) {
    if (vocabulary.lengthOf(k) > bytes.length && beginsWith(vocabulary.piece(k), bytes)) found.push(k);
  }
  return found.sort((a, b) => vocabulary.rankOf(b) - vocabulary.rankOf(a) || a - b);
}

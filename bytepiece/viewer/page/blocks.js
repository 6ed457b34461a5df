/** Tokens in blocks, so that a view need draw only those near the eye. */

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */

/**
 * Some tokens that are drawn together, and about how many lines they take.
 * @typedef {{begin: number, end: number, lines: number}} Block
 */

const FEW = 100; // tokens after which a block may end with a line
const MANY = 500; // and after which it ends anyway
const LINE_BYTES = 70;
const NEWLINE = 10;

/**
 * Blocks of some hundred tokens, which end with lines where they can.
 * @param {Vocabulary} vocabulary
 * @param {Uint32Array} ids
 */
export function cutIntoBlocks(vocabulary, ids) {
  const { data, offsets } = vocabulary;
  /** @type {Block[]} */
  const blocks = [];
  let begin = 0;
  let bytes = 0;
  let lines = 1;
  for (let k = 0; k < ids.length; k++) {
    const piece = vocabulary.numberOf(ids[k]);
    const endsLine = piece >= 0 && data[offsets[piece + 1] - 1] === NEWLINE;
    bytes += piece < 0 ? 8 : vocabulary.lengthOf(piece);
    if (endsLine) lines++;
    if ((endsLine && k - begin >= FEW) || k - begin >= MANY || k === ids.length - 1) {
      blocks.push({ begin, end: k + 1, lines: lines + Math.floor(bytes / LINE_BYTES) });
      begin = k + 1;
      bytes = 0;
      lines = 0;
    }
  }
  return blocks;
}

/** A text becomes ids, with the place that each comes from. */

import { Segmenter } from "./segment.js";
import { partsOf } from "./text.js";

/** @typedef {import("./text.js").Text} Text */
/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */

/**
 * @typedef {object} Encoding
 * @property {Uint32Array} ids
 * @property {Uint32Array} begins for each id where it begins, in bytes of the text
 * @property {Uint32Array} ends where it ends there
 */

export class Tokenizer {
  /** @param {Vocabulary} vocabulary */
  constructor(vocabulary) {
    this.vocabulary = vocabulary;
    this._segmenter = new Segmenter(vocabulary);
  }

  /**
   * The numbers of the pieces of some bytes, as they are: nothing is normalized or special.
   * @param {Uint8Array} bytes
   * @param {number} without the number of a piece that is not used, or -1
   */
  segment(bytes, without = -1) {
    /** @type {number[]} */
    const pieces = [];
    this._segmenter.segment(bytes, pieces, without);
    return pieces;
  }

  /**
   * @param {Text} text
   * @param {boolean} allowSpecial whether special tokens are found in the text
   * @returns {Encoding}
   */
  encode(text, allowSpecial = false) {
    /** @type {number[]} */
    const ids = [];
    /** @type {number[]} */
    const begins = [];
    /** @type {number[]} */
    const ends = [];
    for (const part of partsOf(this.vocabulary, text, allowSpecial)) {
      if (part.id >= 0) {
        ids.push(part.id);
        begins.push(part.begin);
        ends.push(part.end);
        continue;
      }
      let at = 0;
      for (const piece of this.segment(part.bytes)) {
        const end = at + this.vocabulary.lengthOf(piece);
        ids.push(piece + this.vocabulary.firstId);
        const [first, last] = part.origins ? span(part.origins, at, end) : [at, end];
        begins.push(part.begin + first);
        ends.push(part.begin + last);
        at = end;
      }
    }
    return { ids: Uint32Array.from(ids), begins: Uint32Array.from(begins), ends: Uint32Array.from(ends) };
  }
}

/**
 * The smallest span that covers the origins of some bytes.
 * @param {{begins: Uint32Array, ends: Uint32Array}} origins
 * @param {number} begin
 * @param {number} end
 * @returns {[number, number]}
 */
function span(origins, begin, end) {
  let first = origins.begins[begin];
  let last = origins.ends[begin];
  for (let k = begin + 1; k < end; k++) {
    first = Math.min(first, origins.begins[k]);
    last = Math.max(last, origins.ends[k]);
  }
  return [first, last];
}

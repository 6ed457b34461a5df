/** The best segmentation of bytes: what `Tokenizer.encode` gives, id for id. */

import { NONE } from "./trie.js";

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */

const NEWLINE = 10;

/**
 * Where the segment ends that begins at a place: after a run of newlines.
 * @param {Uint8Array} bytes
 * @param {number} begin
 */
export function segmentEnd(bytes, begin) {
  let end = bytes.indexOf(NEWLINE, begin);
  if (end < 0) return bytes.length;
  while (end < bytes.length && bytes[end] === NEWLINE) end++;
  return end;
}

/** Segments texts by a vocabulary. It keeps its memory from text to text. */
export class Segmenter {
  /** @param {Vocabulary} vocabulary */
  constructor(vocabulary) {
    this.vocabulary = vocabulary;
    /** The greatest sum of scores of a path to each position. */
    this._best = new Float64Array(1024);
    /** The last piece of that path. */
    this._last = new Int32Array(1024);
  }

  /**
   * Append the numbers of the pieces of a text to an array.
   * @param {Uint8Array} bytes
   * @param {number[]} out
   * @param {number} without the number of a piece that is not used, or -1
   */
  segment(bytes, out, without = -1) {
    for (let begin = 0, end; begin < bytes.length; begin = end) {
      end = segmentEnd(bytes, begin);
      this._findPaths(bytes, begin, end, without);
      this._follow(end - begin, out);
    }
  }

  /**
   * Find the best path to each position of a segment.
   *
   * Pieces are found from their beginnings on, so a longer piece comes before a shorter one with the same end. As only
   * a greater sum replaces another, the longer one wins where sums are equal. Each sum is the same addition of the same
   * doubles as in Python, so ties are the same, too.
   * @param {Uint8Array} bytes
   * @param {number} begin
   * @param {number} end
   * @param {number} without
   */
  _findPaths(bytes, begin, end, without) {
    this._makeRoom(end - begin + 1);
    const trie = this.vocabulary.trie;
    const scores = this.vocabulary.scores;
    const best = this._best;
    const last = this._last;
    best.fill(-Infinity, 0, end - begin + 1);
    best[0] = 0;
    for (let position = begin; position < end; position++) {
      const sum = best[position - begin];
      let node = 0;
      for (let k = position; k < end; k++) {
        node = trie.child(node, bytes[k]);
        if (node === NONE) break;
        const piece = trie.ends[node];
        if (piece >= 0 && piece !== without) {
          const longer = sum + scores[piece];
          if (longer > best[k + 1 - begin]) {
            best[k + 1 - begin] = longer;
            last[k + 1 - begin] = piece;
          }
        }
      }
    }
  }

  /**
   * Append the pieces of the best path to the end of a segment of n bytes.
   * @param {number} n
   * @param {number[]} out
   */
  _follow(n, out) {
    const first = out.length;
    for (let position = n; position > 0; ) {
      const piece = this._last[position];
      out.push(piece);
      position -= this.vocabulary.lengthOf(piece);
    }
    for (let k = first, other = out.length - 1; k < other; k++, other--) [out[k], out[other]] = [out[other], out[k]];
  }

  /** @param {number} n */
  _makeRoom(n) {
    if (this._best.length >= n) return;
    this._best = new Float64Array(2 * n);
    this._last = new Int32Array(2 * n);
  }
}

/** All segmentations of a short text: the lattice, its n best paths, and draws with their probabilities. */

import { segmentEnd } from "./segment.js";
import { NONE } from "./trie.js";
import { uniforms } from "./uniforms.js";

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */

/**
 * A piece that fits somewhere.
 * @typedef {object} Edge
 * @property {number} piece
 * @property {number} begin
 * @property {number} end
 * @property {number} share the probability that a drawn segmentation has it
 */

/**
 * @typedef {object} Path
 * @property {number[]} pieces
 * @property {number} score the sum of the scores
 * @property {number} share its probability among all segmentations
 */

/** @param {number[]} terms */
function logSum(terms) {
  const largest = Math.max(...terms);
  if (largest === -Infinity) return largest;
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - largest);
  return largest + Math.log(sum);
}

/** The lattice of a text of a few hundred bytes, which is as it is: nothing is normalized or special. */
export class Lattice {
  /**
   * @param {Vocabulary} vocabulary
   * @param {Uint8Array} bytes
   * @param {number} alpha probabilities are proportional to exp(alpha * score)
   */
  constructor(vocabulary, bytes, alpha) {
    this._vocabulary = vocabulary;
    this._bytes = bytes;
    this._alpha = alpha;
    /** For each position the edges that end there, the longest first. @type {Omit<Edge, "share">[][]} */
    this._ending = Array.from({ length: bytes.length + 1 }, () => []);
    for (let begin = 0; begin < bytes.length; begin++) this._findPieces(begin);
    /** For each position the log of the sum over all paths to it. */
    this._before = new Float64Array(bytes.length + 1);
    for (let end = 1; end <= bytes.length; end++) {
      this._before[end] = logSum(this._ending[end].map((edge) => this._before[edge.begin] + this._weight(edge)));
    }
  }

  /** @param {number} begin */
  _findPieces(begin) {
    const { trie } = this._vocabulary;
    const stop = this._stopOf(begin);
    let node = 0;
    for (let end = begin + 1; end <= stop; end++) {
      node = trie.child(node, this._bytes[end - 1]);
      if (node === NONE) break;
      if (trie.ends[node] >= 0) this._ending[end].push({ piece: trie.ends[node], begin, end });
    }
  }

  /** Where the segment of a position ends: no piece goes on after it. @param {number} position */
  _stopOf(position) {
    if (position === 0 || position >= (this._stop ?? 0)) this._stop = segmentEnd(this._bytes, position);
    return /** @type {number} */ (this._stop);
  }

  /** @param {{piece: number}} edge */
  _weight({ piece }) {
    return this._alpha * this._vocabulary.scores[piece];
  }

  /** The log of the sum of exp(alpha * score) over all segmentations. */
  get logPartition() {
    return this._before[this._bytes.length];
  }

  /** All edges, each with its probability: what comes before it, itself, and what comes after. @returns {Edge[]} */
  edges() {
    const n = this._bytes.length;
    /** @type {number[][]} */
    const terms = Array.from({ length: n + 1 }, () => []);
    const after = new Float64Array(n + 1);
    terms[n].push(0);
    for (let end = n; end >= 0; end--) {
      after[end] = logSum(terms[end]);
      for (const edge of this._ending[end]) terms[edge.begin].push(after[end] + this._weight(edge));
    }
    const share = (/** @type {Omit<Edge, "share">} */ edge) =>
      Math.exp(this._before[edge.begin] + this._weight(edge) + after[edge.end] - this.logPartition);
    return this._ending.flat().map((edge) => ({ ...edge, share: share(edge) }));
  }

  /**
   * The n best segmentations, all different, best first; of equal scores the one with the longer last piece.
   * @param {number} n
   * @returns {Path[]}
   */
  best(n) {
    /** @typedef {{pieces: number[], score: number}} Scored */
    let whole = [{ pieces: /** @type {number[]} */ ([]), score: 0 }];
    for (let begin = 0, end; begin < this._bytes.length; begin = end) {
      end = segmentEnd(this._bytes, begin);
      /** @type {Scored[][]} */
      const paths = [[{ pieces: [], score: 0 }]];
      for (let position = begin + 1; position <= end; position++) {
        const longer = this._ending[position].flatMap((edge) =>
          paths[edge.begin - begin].map(({ pieces, score }) => ({
            pieces: [...pieces, edge.piece],
            score: score + this._vocabulary.scores[edge.piece],
          })),
        );
        paths.push(greatest(longer, n));
      }
      const joined = paths[end - begin].flatMap((last) =>
        whole.map(({ pieces, score }) => ({ pieces: [...pieces, ...last.pieces], score: score + last.score })),
      );
      whole = greatest(joined, n);
    }
    return whole.map((path) => ({ ...path, share: this._share(path.score) }));
  }

  /** @param {number} score */
  _share(score) {
    return Math.exp(this._alpha * score - this.logPartition);
  }

  /**
   * Segmentations drawn as `Tokenizer.encode(text, alpha=alpha, seed=seed)` draws them, for seeds from a first one on.
   * @param {number} firstSeed
   * @param {number} n
   * @returns {Path[]}
   */
  draws(firstSeed, n) {
    return Array.from({ length: n }, (_, k) => this._draw(uniforms(firstSeed + k)));
  }

  /** @param {(position: number) => number} uniform @returns {Path} */
  _draw(uniform) {
    /** @type {number[]} */
    const pieces = [];
    let score = 0;
    for (let end = this._bytes.length; end > 0; ) {
      const edges = this._ending[end];
      let left = uniform(end);
      let k = 0;
      for (; k < edges.length - 1; k++) {
        left -= Math.exp(this._before[edges[k].begin] + this._weight(edges[k]) - this._before[end]);
        if (left < 0) break;
      }
      pieces.push(edges[k].piece);
      score += this._vocabulary.scores[edges[k].piece];
      end = edges[k].begin;
    }
    return { pieces: pieces.reverse(), score, share: this._share(score) };
  }
}

/**
 * The n paths with the greatest scores, best first; equals stay in their order.
 * @template {{score: number}} P
 * @param {P[]} paths
 * @param {number} n
 */
function greatest(paths, n) {
  return paths.sort((path, other) => other.score - path.score).slice(0, n);
}

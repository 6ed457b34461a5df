/** A model: its pieces with counts and scores, its special tokens, its settings. */

import { NONE, Trie } from "./trie.js";

/**
 * @typedef {object} Header
 * @property {string} name
 * @property {number} first_id the id of the first piece
 * @property {number} pieces how many pieces there are
 * @property {number} suffix_bytes
 * @property {number} distinct_counts
 * @property {[string, number][]} special_tokens names and ids
 * @property {Record<string, unknown>} settings
 * @property {string[]} scripts
 */

/**
 * @typedef {object} Columns
 * @property {Uint8Array} data all pieces, one after the other
 * @property {Uint32Array} offsets piece k is data[offsets[k]] to data[offsets[k + 1]]
 * @property {Uint32Array} ranks for each piece the number of its count
 * @property {Uint16Array} scripts for each piece the number of its script
 * @property {BigUint64Array} counts the distinct counts
 * @property {Float64Array} scores the score of each distinct count
 */

export class Vocabulary {
  /**
   * @param {Header} header
   * @param {Columns} columns
   */
  constructor(header, columns) {
    this.header = header;
    this.data = columns.data;
    this.offsets = columns.offsets;
    this.size = header.pieces;
    this.firstId = header.first_id;
    this.normalizes = header.settings.normalization === "nfc";
    /** @type {Map<number, string>} */
    this.specialTokens = new Map(header.special_tokens.map(([name, id]) => [id, name]));
    this.nIds = this.size + this.specialTokens.size;
    this._columns = columns;
    /** The log-probability of each piece. */
    this.scores = Float64Array.from(columns.ranks, (rank) => columns.scores[rank]);
    /** @type {Trie | undefined} */
    this._trie = undefined;
    /** @type {Trie | undefined} */
    this._names = undefined;
  }

  /** What is needed to make the same vocabulary elsewhere. @returns {[Header, Columns]} */
  get contents() {
    return [this.header, this._columns];
  }

  /** The pieces; ends are their numbers. Made when first needed: not where pieces are only shown. */
  get trie() {
    this._trie ??= trieOf(this.size, (k) => this.piece(k));
    return this._trie;
  }

  /** Piece number k, from 0; its id is `firstId` more. @param {number} k */
  piece(k) {
    return this.data.subarray(this.offsets[k], this.offsets[k + 1]);
  }

  /** @param {number} k */
  lengthOf(k) {
    return this.offsets[k + 1] - this.offsets[k];
  }

  /** How often a piece was counted in training. @param {number} k */
  countOf(k) {
    return this._columns.counts[this._columns.ranks[k]];
  }

  /** @param {number} k */
  scriptOf(k) {
    return this.header.scripts[this._columns.scripts[k]];
  }

  /** The number of a count among the distinct ones, to sort by. @param {number} k */
  rankOf(k) {
    return this._columns.ranks[k];
  }

  /** The number of the piece with an id; -1 for special tokens. @param {number} id */
  numberOf(id) {
    const k = id - this.firstId;
    return k >= 0 && k < this.size ? k : -1;
  }

  /** The number of a piece, or -1. @param {Uint8Array} bytes */
  find(bytes) {
    const node = this.trie.find(bytes);
    return node === undefined || bytes.length === 0 ? -1 : this.trie.ends[node];
  }

  /**
   * The longest special token whose name begins at a place of a text: its id and its length in bytes.
   * @param {Uint8Array} text
   * @param {number} begin
   * @returns {{id: number, length: number} | undefined}
   */
  specialTokenAt(text, begin) {
    const names = this.header.special_tokens;
    this._names ??= trieOf(names.length, (k) => new TextEncoder().encode(names[k][0]));
    let found;
    let node = 0;
    for (let end = begin; end < text.length; ) {
      node = this._names.child(node, text[end]);
      if (node === NONE) break;
      end++;
      const k = this._names.ends[node];
      if (k >= 0) found = { id: names[k][1], length: end - begin };
    }
    return found;
  }
}

/**
 * @param {number} n
 * @param {(k: number) => Uint8Array} string
 */
function trieOf(n, string) {
  const trie = new Trie(4 * n + 64);
  for (let k = 0; k < n; k++) {
    let node = 0;
    for (const byte of string(k)) node = trie.grow(node, byte);
    trie.ends[node] = k;
  }
  return trie;
}

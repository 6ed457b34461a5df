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
    this.scores = new Float64Array(this.size);
    for (let k = 0; k < this.size; k++) this.scores[k] = columns.scores[columns.ranks[k]];
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
    this._trie ??= trieOf(this.data, this.offsets);
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
    this._names ??= trieOfNames(names.map(([name]) => name));
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
 * The trie of some strings: string k is data[offsets[k]] to data[offsets[k + 1]].
 * @param {Uint8Array} data
 * @param {Uint32Array} offsets
 */
function trieOf(data, offsets) {
  const n = offsets.length - 1;
  const trie = new Trie(4 * n + 64);
  /** The nodes of the last string. What a string shares with it is not looked up again. */
  const path = [0];
  let before = 0;
  for (let k = 0; k < n; k++) {
    const begin = offsets[k];
    const length = offsets[k + 1] - begin;
    let at = 0;
    while (at < length && at < path.length - 1 && data[begin + at] === data[before + at]) at++;
    path.length = at + 1;
    for (; at < length; at++) path.push(trie.grow(path[at], data[begin + at]));
    trie.ends[path[length]] = k;
    before = begin;
  }
  return trie;
}

/** @param {string[]} names */
function trieOfNames(names) {
  const encoded = names.map((name) => new TextEncoder().encode(name));
  const offsets = new Uint32Array(names.length + 1);
  encoded.forEach(({ length }, k) => {
    offsets[k + 1] = offsets[k] + length;
  });
  const data = new Uint8Array(offsets[names.length]);
  encoded.forEach((bytes, k) => {
    data.set(bytes, offsets[k]);
  });
  return trieOf(data, offsets);
}

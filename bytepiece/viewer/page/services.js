/** What the worker does for the page: each method is a request, with plain values in and out. */

import { cutIntoBlocks } from "./blocks.js";
import { Tokenizer } from "./encode.js";
import { Lattice } from "./lattice.js";
import { readModel } from "./packed_model.js";
import { extensionsOf, prefixesOf, search } from "./search.js";
import { bytesOf } from "./text.js";

/** @typedef {import("./text.js").Text} Text */
/** @typedef {import("./encode.js").Encoding} Encoding */

/**
 * A text as one model cuts it.
 * @typedef {object} Differences
 * @property {Uint8Array} differs for each id, whether another model has no token in the same place
 * @property {number} nDiffering how many there are of these
 * @property {import("./blocks.js").Block[]} blocks
 * @typedef {Encoding & Differences} Cut
 */

const N_NEIGHBOURS = 60;

export class Services {
  constructor() {
    /** @type {Tokenizer[]} */
    this._tokenizers = [];
  }

  /**
   * Read the models; gives the contents of their vocabularies.
   * @param {string[]} models
   */
  async load(models) {
    const vocabularies = await Promise.all(models.map(readModel));
    this._tokenizers = vocabularies.map((vocabulary) => new Tokenizer(vocabulary));
    return vocabularies.map((vocabulary) => vocabulary.contents);
  }

  /**
   * Encode a text with some of the models.
   * @param {Text} text
   * @param {boolean} allowSpecial
   * @param {number[]} models
   * @returns {{bytes: number, characters: number, cuts: Cut[]}}
   */
  encode(text, allowSpecial, models) {
    const bytes = bytesOf(text);
    const encodings = models.map((model) => this._tokenizers[model].encode(bytes, allowSpecial));
    const cuts = encodings.map((encoding, k) => {
      const differs = differences(encoding, encodings);
      const nDiffering = differs.reduce((sum, each) => sum + each, 0);
      const blocks = cutIntoBlocks(this._tokenizers[models[k]].vocabulary, encoding.ids);
      return { ...encoding, differs, nDiffering, blocks };
    });
    return { bytes: bytes.length, characters: countCharacters(bytes), cuts };
  }

  /**
   * Why a short text is cut as it is.
   * @param {number} model
   * @param {Uint8Array} bytes
   * @param {{alpha: number, best: number, draws: number, seed: number}} options
   */
  explain(model, bytes, { alpha, best, draws, seed }) {
    const lattice = new Lattice(this._tokenizers[model].vocabulary, bytes, alpha);
    return { edges: lattice.edges(), best: lattice.best(best), draws: lattice.draws(seed, draws) };
  }

  /**
   * @param {number} model
   * @param {import("./search.js").Query} query
   */
  search(model, query) {
    const { vocabulary } = this._tokenizers[model];
    const found = search(vocabulary, query);
    if (!query.onlyHere) return found;
    const others = this._tokenizers.filter((_, k) => k !== model).map((other) => other.vocabulary);
    return found.filter((piece) => others.every((other) => other.find(vocabulary.piece(piece)) < 0));
  }

  /**
   * What stands around a piece, and how it would be cut if the vocabulary did not have it.
   * @param {number} model
   * @param {number} piece
   */
  neighbours(model, piece) {
    const tokenizer = this._tokenizers[model];
    const { vocabulary } = tokenizer;
    const bytes = vocabulary.piece(piece);
    const extensions = extensionsOf(vocabulary, piece);
    return {
      prefixes: prefixesOf(vocabulary, piece),
      extensions: extensions.slice(0, N_NEIGHBOURS),
      nExtensions: extensions.length,
      with: tokenizer.segment(bytes),
      // Single bytes cannot be done without.
      without: bytes.length > 1 ? tokenizer.segment(bytes, piece) : [],
      elsewhere: this._tokenizers.map((each) => each.vocabulary.find(bytes)),
    };
  }
}

/** @param {Uint8Array} bytes */
function countCharacters(bytes) {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).replace(/[\udc00-\udfff]/g, "").length;
}

/**
 * For each token, whether another encoding has no token with the same begin and end.
 * @param {Encoding} encoding
 * @param {Encoding[]} others
 */
function differences(encoding, others) {
  const { begins, ends } = encoding;
  const differs = new Uint8Array(begins.length);
  for (const other of others) {
    if (other === encoding) continue;
    let k = 0;
    for (let token = 0; token < begins.length; token++) {
      while (k < other.begins.length && other.begins[k] < begins[token]) k++;
      if (other.begins[k] !== begins[token] || other.ends[k] !== ends[token]) differs[token] = 1;
    }
  }
  return differs;
}

/** Reads models as `bytepiece/viewer/packed_model.py` packs them. */

import { Vocabulary } from "./vocabulary.js";

/**
 * @param {string} base64
 * @returns {Promise<Uint8Array>}
 */
async function inflate(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = binary.charCodeAt(k);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Takes columns from bytes, one after the other. */
class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this._bytes = bytes;
    this._position = 0;
  }

  /** @param {number} n */
  take(n) {
    const begin = this._position;
    this._position += n;
    if (this._position > this._bytes.length) throw new Error("the page is damaged: a model ends too early");
    return this._bytes.subarray(begin, this._position);
  }

  /**
   * The bytes of n numbers of some width, taken out of their planes.
   * @param {number} n
   * @param {number} width
   * @returns {ArrayBuffer}
   */
  planes(n, width) {
    const planes = this.take(n * width);
    const bytes = new Uint8Array(n * width);
    for (let plane = 0; plane < width; plane++) {
      for (let k = 0; k < n; k++) bytes[k * width + plane] = planes[plane * n + k];
    }
    return bytes.buffer;
  }
}

/**
 * @param {string} base64
 * @returns {Promise<Vocabulary>}
 */
export async function readModel(base64) {
  const bytes = await inflate(base64);
  const reader = new Reader(bytes);
  const headerLength = new DataView(bytes.buffer).getUint32(0, true);
  reader.take(4);
  /** @type {import("./vocabulary.js").Header} */
  const header = JSON.parse(new TextDecoder().decode(reader.take(headerLength)));
  const n = header.pieces;
  const shared = new Uint16Array(reader.planes(n, 2));
  const added = new Uint16Array(reader.planes(n, 2));
  const { data, offsets } = joinPieces(shared, added, reader.take(header.suffix_bytes));
  const ranks = new Uint32Array(reader.planes(n, 4));
  const scripts = new Uint16Array(reader.planes(n, 2));
  const counts = new BigUint64Array(reader.planes(header.distinct_counts, 8));
  for (let k = 1; k < counts.length; k++) counts[k] += counts[k - 1];
  const scores = correctScores(counts, new BigUint64Array(reader.planes(header.distinct_counts, 8)));
  return new Vocabulary(header, { data, offsets, ranks, scripts, counts, scores });
}

/**
 * The score of each count: what the one before predicts, and a correction, as `_corrections` in Python has them.
 * @param {BigUint64Array} counts
 * @param {BigUint64Array} corrections
 */
function correctScores(counts, corrections) {
  const scores = new Float64Array(counts.length);
  const bits = new BigInt64Array(scores.buffer);
  corrections.forEach((correction, k) => {
    if (k > 0) {
      const before = Number(counts[k - 1]);
      const after = Number(counts[k]);
      const x = (after - before) / (after + before);
      const y = x * x;
      scores[k] = scores[k - 1] + 2 * x * (1 + y * (1 / 3 + y * (1 / 5 + y * (1 / 7))));
    }
    bits[k] += (correction >> 1n) ^ -(correction & 1n);
  });
  return scores;
}

/**
 * The pieces, given how many bytes each shares with the beginning of the one before, and what follows.
 * @param {Uint16Array} shared
 * @param {Uint16Array} added
 * @param {Uint8Array} suffixes
 */
function joinPieces(shared, added, suffixes) {
  const n = shared.length;
  const offsets = new Uint32Array(n + 1);
  for (let k = 0; k < n; k++) offsets[k + 1] = offsets[k] + shared[k] + added[k];
  const data = new Uint8Array(offsets[n]);
  let taken = 0;
  for (let k = 0; k < n; k++) {
    const begin = offsets[k];
    const before = k > 0 ? offsets[k - 1] : 0;
    for (let at = 0; at < shared[k]; at++) data[begin + at] = data[before + at];
    for (let at = begin + shared[k]; at < offsets[k + 1]; at++) data[at] = suffixes[taken++];
  }
  return { data, offsets };
}

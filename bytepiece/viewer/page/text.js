/** From a text to the bytes that are segmented, and where each of them comes from. */

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */

/**
 * A text: bytes of any content, or a string, in which each lone surrogate counts as U+FFFD.
 * @typedef {string | Uint8Array} Text
 */

/**
 * A part of a text: a special token, or bytes to segment.
 *
 * `begins` and `ends` say, for each byte, which bytes of the text it comes from; undefined where nothing was changed.
 * @typedef {object} Part
 * @property {number} begin where it begins in the bytes of the text
 * @property {number} end where it ends there
 * @property {number} id of a special token, or -1
 * @property {Uint8Array} bytes normalized; empty for a special token
 * @property {{begins: Uint32Array, ends: Uint32Array}} [origins]
 */

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes of a text, as it is given. @param {Text} text */
export function bytesOf(text) {
  return typeof text === "string" ? encoder.encode(text) : text;
}

/**
 * The length of the character that begins at a place, as Python's UTF-8 decoder has it; 0 where none does.
 * @param {Uint8Array} bytes
 * @param {number} at
 */
export function characterLength(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > bytes.length) return 0;
  const second = bytes[at + 1];
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let k = 2; k < length; k++) if ((bytes[at + k] & 0xc0) !== 0x80) return 0;
  return length;
}

/**
 * Where special tokens are, if they are allowed, and the normalized bytes between them.
 * @param {Vocabulary} vocabulary
 * @param {Text} text
 * @param {boolean} allowSpecial
 * @returns {Part[]}
 */
export function partsOf(vocabulary, text, allowSpecial) {
  const bytes = bytesOf(text);
  if (!allowSpecial) {
    return bytes.length ? [plainPart(vocabulary, bytes, 0, bytes.length)] : [];
  }
  /** @type {Part[]} */
  const parts = [];
  let plain = 0;
  for (let at = 0; at < bytes.length; ) {
    const token = vocabulary.specialTokenAt(bytes, at);
    if (!token) {
      at++;
      continue;
    }
    if (plain < at) parts.push(plainPart(vocabulary, bytes, plain, at));
    parts.push({ begin: at, end: at + token.length, id: token.id, bytes: new Uint8Array(0) });
    at += token.length;
    plain = at;
  }
  if (plain < bytes.length) parts.push(plainPart(vocabulary, bytes, plain, bytes.length));
  return parts;
}

/**
 * @param {Vocabulary} vocabulary
 * @param {Uint8Array} bytes
 * @param {number} begin
 * @param {number} end
 * @returns {Part}
 */
function plainPart(vocabulary, bytes, begin, end) {
  const plain = bytes.subarray(begin, end);
  const changed = vocabulary.normalizes ? normalize(plain) : undefined;
  return { begin, end, id: -1, bytes: changed ? changed.bytes : plain, origins: changed?.origins };
}

/** What may be composed with the character before it: marks, vowels and final consonants of Hangul, Kirat Rai. */
const CLUSTER = /.[\p{M}\u1160-\u11ff\u{16d67}\u{16d68}]*/gsu;

/**
 * NFC of all that is UTF-8; bytes that form no character stay as they are. Undefined where nothing changes.
 *
 * Where characters are changed, each byte of the result comes from the whole cluster: a character with the marks on it.
 * @param {Uint8Array} bytes
 */
function normalize(bytes) {
  const runs = utf8Runs(bytes);
  const texts = runs.map(([begin, end, valid]) => (valid ? strict.decode(bytes.subarray(begin, end)) : ""));
  if (texts.every((text) => text === text.normalize("NFC"))) return undefined;
  const builder = new Builder(bytes.length);
  runs.forEach(([begin, end, valid], k) => {
    if (!valid) builder.copy(bytes, begin, end);
    else if (texts[k] === texts[k].normalize("NFC")) builder.copy(bytes, begin, end);
    else normalizeRun(texts[k], begin, builder);
  });
  return builder.done();
}

/**
 * @param {string} text
 * @param {number} begin
 * @param {Builder} builder
 */
function normalizeRun(text, begin, builder) {
  const whole = text.normalize("NFC");
  const clusters = text.match(CLUSTER) ?? [];
  const normal = clusters.map((cluster) => cluster.normalize("NFC"));
  // Were a cluster composed with the next, offsets would be those of the run.
  const exact = normal.join("") === whole;
  for (const [k, cluster] of (exact ? clusters : [text]).entries()) {
    const source = encoder.encode(cluster);
    const result = exact ? normal[k] : whole;
    if (result === cluster) builder.copy(source, 0, source.length, begin);
    else builder.replace(encoder.encode(result), begin, begin + source.length);
    begin += source.length;
  }
}

/**
 * Runs of characters, and runs of bytes that form none: where each begins and ends, and whether it is UTF-8.
 * @param {Uint8Array} bytes
 * @returns {[number, number, boolean][]}
 */
function utf8Runs(bytes) {
  try {
    strict.decode(bytes);
    return [[0, bytes.length, true]];
  } catch {
    /** @type {[number, number, boolean][]} */
    const runs = [];
    for (let at = 0; at < bytes.length; ) {
      const length = characterLength(bytes, at);
      const run = runs.at(-1);
      if (run && run[2] === length > 0) run[1] += length || 1;
      else runs.push([at, at + (length || 1), length > 0]);
      at += length || 1;
    }
    return runs;
  }
}

/** Bytes put together, with their origins. */
class Builder {
  /** @param {number} capacity */
  constructor(capacity) {
    this._n = 0;
    this._bytes = new Uint8Array(capacity);
    this._begins = new Uint32Array(capacity);
    this._ends = new Uint32Array(capacity);
  }

  /** @param {number} n */
  _makeRoom(n) {
    const capacity = this._bytes.length;
    if (this._n + n <= capacity) return;
    const larger = new Builder(2 * (capacity + n));
    larger._bytes.set(this._bytes);
    larger._begins.set(this._begins);
    larger._ends.set(this._ends);
    Object.assign(this, larger, { _n: this._n });
  }

  /**
   * Bytes that come from themselves; `origin` is where source[begin] is in the text.
   * @param {Uint8Array} source
   * @param {number} begin
   * @param {number} end
   */
  copy(source, begin, end, origin = begin) {
    this._makeRoom(end - begin);
    for (let k = begin; k < end; k++, this._n++) {
      this._bytes[this._n] = source[k];
      this._begins[this._n] = origin + k - begin;
      this._ends[this._n] = origin + k - begin + 1;
    }
  }

  /**
   * Bytes that all come from the same place.
   * @param {Uint8Array} source
   * @param {number} begin
   * @param {number} end
   */
  replace(source, begin, end) {
    this._makeRoom(source.length);
    for (const byte of source) {
      this._bytes[this._n] = byte;
      this._begins[this._n] = begin;
      this._ends[this._n++] = end;
    }
  }

  done() {
    const n = this._n;
    const origins = { begins: this._begins.slice(0, n), ends: this._ends.slice(0, n) };
    return { bytes: this._bytes.slice(0, n), origins };
  }
}

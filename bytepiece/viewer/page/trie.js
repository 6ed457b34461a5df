/** A trie of byte strings: a hash table from a node and a byte to the child. */

/** What `child` gives where there is none. The root, 0, is nobody's child. */
export const NONE = 0;

/** @param {number} key */
function hash(key) {
  const mixed = Math.imul(key ^ (key >>> 15), 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

export class Trie {
  /** @param {number} capacity how many nodes are expected */
  constructor(capacity = 1024) {
    this.nNodes = 1;
    /** For each node the number of the string that ends there, or -1. @type {Int32Array} */
    this.ends = new Int32Array(capacity).fill(-1);
    this._mask = 0;
    this._keys = this._children = new Int32Array(0);
    this._resize(capacity);
  }

  /** @param {number} nNodes */
  _resize(nNodes) {
    let size = 64;
    while (size < 2 * nNodes) size *= 2;
    this._mask = size - 1;
    this._keys = new Int32Array(size); // 0 where free: no key is 0, as keys are one too high
    this._children = new Int32Array(size);
  }

  /**
   * The place of a key, or the free place where it goes.
   * @param {number} key
   */
  _place(key) {
    let place = hash(key) & this._mask;
    while (this._keys[place] !== 0 && this._keys[place] !== key) place = (place + 1) & this._mask;
    return place;
  }

  /**
   * The child of a node by a byte, or NONE.
   * @param {number} node
   * @param {number} byte
   */
  child(node, byte) {
    const keys = this._keys;
    const mask = this._mask;
    const key = ((node << 8) | byte) + 1;
    let place = hash(key) & mask;
    while (keys[place] !== 0) {
      if (keys[place] === key) return this._children[place];
      place = (place + 1) & mask;
    }
    return NONE;
  }

  /**
   * The child of a node by a byte, made if there is none.
   * @param {number} node
   * @param {number} byte
   */
  grow(node, byte) {
    const key = ((node << 8) | byte) + 1;
    let place = this._place(key);
    if (this._keys[place] === key) return this._children[place];
    if (2 * (this.nNodes + 1) > this._mask) {
      this._enlarge();
      place = this._place(key);
    }
    const child = this.nNodes++;
    this._keys[place] = key;
    this._children[place] = child;
    if (child >= this.ends.length) {
      const ends = new Int32Array(2 * this.ends.length).fill(-1);
      ends.set(this.ends);
      this.ends = ends;
    }
    return child;
  }

  _enlarge() {
    const keys = this._keys;
    const children = this._children;
    this._resize(2 * this.nNodes);
    keys.forEach((key, k) => {
      if (key === 0) return;
      const place = this._place(key);
      this._keys[place] = key;
      this._children[place] = children[k];
    });
  }

  /**
   * The node that a string leads to; `undefined` where no string of the trie begins so.
   * @param {Uint8Array} bytes
   * @returns {number | undefined}
   */
  find(bytes) {
    let node = 0;
    for (const byte of bytes) {
      node = this.child(node, byte);
      if (node === NONE) return undefined;
    }
    return node;
  }
}

/** The random numbers of draws: those of `bytepiece.reference.uniforms`, for the first text of a batch. */

const MASK = (1n << 64n) - 1n;

/** The output function of SplitMix64. @param {bigint} x */
function mix(x) {
  let mixed = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return mixed ^ (mixed >> 31n);
}

/** @param {bigint} low @param {bigint} high @param {bigint} counter */
function bits(low, high, counter) {
  return mix(mix((low + (counter + 1n) * 0x9e3779b97f4a7c15n) & MASK) ^ high);
}

/**
 * For each position in a text, from 1 on, a number from 0 to 1.
 * @param {number} seed a whole number from 0 on
 */
export function uniforms(seed) {
  const low = bits(BigInt(seed), 0n, 0n);
  const high = bits(BigInt(seed), 0n, 1n);
  return (/** @type {number} */ position) => Number(bits(low, high, BigInt(position - 1)) >> 11n) * 2 ** -53;
}

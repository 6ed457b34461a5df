/** A link that carries a text and settings in its fragment, which no browser sends to a server. */

/** @typedef {import("./text.js").Text} Text */

/**
 * @typedef {object} Shared
 * @property {Text} text
 * @property {boolean} special
 * @property {boolean} white
 * @property {number} model
 * @property {string} tab
 */

const LONGEST = 1_000_000; // characters of a fragment; browsers take two million
const LARGEST = 64_000_000; // bytes that a fragment may unpack to

/** @param {Shared} shared @returns {Promise<string>} */
export async function packFragment({ text, ...settings }) {
  const content = typeof text === "string" ? { text } : { bytes: toBase64(text) };
  const json = new TextEncoder().encode(JSON.stringify({ ...settings, ...content }));
  const packed = new Blob([json]).stream().pipeThrough(new CompressionStream("deflate"));
  const fragment = toBase64(new Uint8Array(await new Response(packed).arrayBuffer()));
  if (fragment.length > LONGEST) throw new Error("This text is too long for a link.");
  return `#${fragment}`;
}

/**
 * What a fragment carries; undefined where it was not made by `packFragment`, or is damaged.
 * @param {string} fragment
 * @returns {Promise<Shared | undefined>}
 */
export async function readFragment(fragment) {
  if (fragment.length < 2) return undefined;
  try {
    const shared = JSON.parse(await unpack(fromBase64(fragment.slice(1))));
    const text = typeof shared.bytes === "string" ? fromBase64(shared.bytes) : shared.text;
    if (typeof text !== "string" && !(text instanceof Uint8Array)) return undefined;
    return {
      text,
      special: shared.special === true,
      white: shared.white === true,
      model: Number.isInteger(shared.model) ? shared.model : 0,
      tab: String(shared.tab),
    };
  } catch {
    return undefined;
  }
}

/** @param {Uint8Array<ArrayBuffer>} packed */
async function unpack(packed) {
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const chunks = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > LARGEST) throw new Error("too large");
    chunks.push(value);
  }
  return new Blob(chunks).text();
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} base64 */
function fromBase64(base64) {
  const binary = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from({ length: binary.length }, (_, k) => binary.charCodeAt(k));
}

// Calls functions of the page for the tests: a request in JSON on each line of the input, an answer on each of the output.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const load = (name) => import(new URL(name, folder));
const { readModel } = await load("packed_model.js");
const { Tokenizer } = await load("encode.js");
const { Lattice } = await load("lattice.js");
const { colourOf, label } = await load("display.js");
const { packFragment, readFragment } = await load("share.js");
const { search } = await load("search.js");
const { cutIntoParts } = await load("editor.js");

let vocabulary;
let tokenizer;
const argument = (value) => (value?.base64 === undefined ? value : new Uint8Array(Buffer.from(value.base64, "base64")));
const settings = { special: true, white: false, model: 1, tab: "Plots" };

const functions = {
  encode(text, special) {
    const { ids, begins, ends } = tokenizer.encode(text, special);
    return { ids: [...ids], spans: Array.from(begins, (begin, k) => [begin, ends[k]]) };
  },
  without: (text, piece) => tokenizer.segment(text, piece),
  best: (text, n) => new Lattice(vocabulary, text, 1).best(n),
  draws: (text, alpha, seed, n) => new Lattice(vocabulary, text, alpha).draws(seed, n),
  edges: (text, alpha) => new Lattice(vocabulary, text, alpha).edges(),
  colour: colourOf,
  scores: () => Array.from(vocabulary.scores, String), // as decimals from which the same doubles are read
  label,
  search: (query) => [...search(vocabulary, query)],
  parts: cutIntoParts,
  async share(text) {
    const shared = await readFragment(await packFragment({ text, ...settings }));
    return typeof shared.text === "string" ? shared.text : [...shared.text];
  },
  async fragment(fragment) {
    return (await readFragment(fragment)) ?? null;
  },
};

async function answer(request) {
  vocabulary = await readModel(request.model);
  tokenizer = new Tokenizer(vocabulary);
  const results = [];
  for (const call of request.calls) results.push(await functions[request.function](...call.map(argument)));
  return { results };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answered = await answer(JSON.parse(line)).catch((error) => ({ failure: error.stack }));
  process.stdout.write(`${JSON.stringify(answered)}\n`);
}

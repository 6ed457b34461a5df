// Calls a function of the page for the tests: reads a request as JSON, and writes the results as JSON.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const load = (name) => import(new URL(name, folder));
const { readModel } = await load("packed_model.js");
const { Tokenizer } = await load("encode.js");

const request = JSON.parse(readFileSync(0, "utf8"));
const tokenizer = new Tokenizer(await readModel(request.model));
const argument = (value) => (value?.base64 === undefined ? value : new Uint8Array(Buffer.from(value.base64, "base64")));

const functions = {
  encode(text, special) {
    const { ids, begins, ends } = tokenizer.encode(text, special);
    return { ids: [...ids], spans: Array.from(begins, (begin, k) => [begin, ends[k]]) };
  },
};

const results = request.calls.map((call) => functions[request.function](...call.map(argument)));
process.stdout.write(JSON.stringify(results));

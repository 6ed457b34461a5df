/** Plots: what the vocabularies are like, and how well they cut the files that came with the page. */

import { barChart, curves } from "./charts.js";
import { labelOfString } from "./display.js";
import { element } from "./dom.js";

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */
/** @typedef {import("./app.js").App} App */
/** @typedef {import("./charts.js").Series} Series */

const N_POINTS = 200;
const N_SCRIPTS = 12;

export class Plots {
  name = "Plots";

  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this.element = element("div", { class: "plots" });
  }

  get models() {
    return [];
  }

  opened() {
    if (this.element.childElementCount) return;
    this.element.append(...vocabularyPlots(this._app.vocabularies), ...evaluationPlots(this._app));
  }
}

/** @param {Vocabulary[]} vocabularies */
export function vocabularyPlots(vocabularies) {
  const names = vocabularies.map(({ header }) => labelOfString(header.name));
  const series = (/** @type {(vocabulary: Vocabulary) => [number, number][]} */ points) =>
    vocabularies.map((vocabulary, k) => ({ name: names[k], points: points(vocabulary) }));
  const counts = new Map(vocabularies.map((vocabulary) => [vocabulary, sortedCounts(vocabulary)]));
  const of = (/** @type {Vocabulary} */ vocabulary) => counts.get(vocabulary) ?? [];
  return [
    curves("Lengths of pieces", series(lengths), { x: "bytes", y: "pieces" }),
    curves(
      "Counts by rank",
      series((vocabulary) => byRank(of(vocabulary))),
      {
        x: "rank",
        y: "count",
        logX: true,
        logY: true,
      },
    ),
    curves(
      "Share of the text by the most frequent pieces",
      series((vocabulary) => shares(of(vocabulary))),
      {
        x: "number of pieces",
        y: "share of the tokens, %",
        logX: true,
      },
    ),
    barChart("Scripts: share of the pieces", names, scripts(vocabularies), (share) => `${(100 * share).toFixed(1)} %`),
  ];
}

/** @param {App} app */
function evaluationPlots({ data, vocabularies }) {
  if (!data.evaluations.length) return [];
  const names = vocabularies.map(({ header }) => labelOfString(header.name));
  const bars = data.evaluations.map(({ name, models }) => ({ name: labelOfString(name), values: models }));
  const plots = [barChart("Bytes per token by file", names, bars, (value) => value.toFixed(2))];
  if (vocabularies.length > 1) {
    const order = vocabularies.map((_, k) => k).sort((a, b) => vocabularies[a].nIds - vocabularies[b].nIds);
    const series = data.evaluations.slice(0, 4).map(({ name, models }) => ({
      name: labelOfString(name),
      points: order.flatMap((k) => {
        const value = models[k];
        return value === null ? [] : [/** @type {[number, number]} */ ([vocabularies[k].nIds, value])];
      }),
    }));
    plots.push(
      curves("Bytes per token over vocabulary size", series, {
        x: "ids",
        y: "bytes per token",
        logX: true,
        dots: true,
      }),
    );
  }
  return plots;
}

/** How many pieces there are of each length. @param {Vocabulary} vocabulary @returns {[number, number][]} */
function lengths(vocabulary) {
  const numbers = new Map();
  for (let k = 0; k < vocabulary.size; k++) {
    const length = vocabulary.lengthOf(k);
    numbers.set(length, (numbers.get(length) ?? 0) + 1);
  }
  return [...numbers].sort(([a], [b]) => a - b);
}

/** The counts, the greatest first. @param {Vocabulary} vocabulary */
function sortedCounts(vocabulary) {
  return Float64Array.from({ length: vocabulary.size }, (_, k) => Number(vocabulary.countOf(k)))
    .sort()
    .reverse();
}

/** Ranks from 1 to n, evenly spread over a logarithmic axis. @param {number} n */
function someRanks(n) {
  const ranks = Array.from({ length: N_POINTS }, (_, k) => Math.round(n ** (k / (N_POINTS - 1))));
  return [...new Set(ranks)];
}

/** @param {ArrayLike<number>} counts @returns {[number, number][]} */
function byRank(counts) {
  return someRanks(counts.length).map((rank) => [rank, counts[rank - 1]]);
}

/** @param {ArrayLike<number>} counts @returns {[number, number][]} */
function shares(counts) {
  const sums = [0];
  for (let k = 0; k < counts.length; k++) sums.push(sums[k] + counts[k]);
  return someRanks(counts.length).map((rank) => [rank, (100 * sums[rank]) / sums[counts.length]]);
}

/** @param {Vocabulary[]} vocabularies */
function scripts(vocabularies) {
  /** @type {Map<string, number[]>} */
  const numbers = new Map();
  vocabularies.forEach((vocabulary, model) => {
    for (let k = 0; k < vocabulary.size; k++) {
      const script = vocabulary.scriptOf(k);
      if (!numbers.has(script)) numbers.set(script, new Array(vocabularies.length).fill(0));
      /** @type {number[]} */ (numbers.get(script))[model]++;
    }
  });
  const bars = [...numbers].map(([name, values]) => ({
    name,
    values: values.map((value, model) => value / vocabularies[model].size),
  }));
  return bars.sort((a, b) => Math.max(...b.values) - Math.max(...a.values)).slice(0, N_SCRIPTS);
}

/** What a training took and gave. */

import { barChart, curves } from "./charts.js";
import { grouped, labelOfString } from "./display.js";
import { element } from "./dom.js";
import { figure } from "./playground.js";
import { vocabularyPlots } from "./plots.js";
import { chip } from "./token_spans.js";

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */

/**
 * `Trainer.report`.
 * @typedef {object} Report
 * @property {number} seconds
 * @property {number | null} peak_memory
 * @property {number} [n_bytes]
 * @property {number} [documents]
 * @property {number} [ngrams]
 * @property {{name: string, seconds: number, amount: number, unit: string}[]} stages
 * @property {Record<string, {pieces: number, longest_piece: number, bytes_per_token?: number}>} models
 */

const N_SAMPLES = 24;
const N_SCRIPTS = 12;

export class Training {
  name = "Training";

  /** @param {import("./app.js").App} app @param {Report} report */
  constructor(app, report) {
    const vocabulary = app.vocabularies[0];
    const stages = report.stages.map(({ name, seconds }) => ({ name, values: [seconds] }));
    const time = barChart("Seconds by stage", ["seconds"], stages, (value) => value.toFixed(1));
    const plots = [time, ...compression(report), ...vocabularyPlots(app.vocabularies)];
    this.element = element(
      "div",
      {},
      element("dl", { class: "figures", "aria-label": "Figures" }, ...figures(report).flat()),
      modelTable(report),
      element("div", { class: "plots" }, ...plots),
      element("h2", {}, "Settings"),
      settings(vocabulary),
      element("h2", {}, "Pieces by script"),
      element("p", { class: "note" }, "The most frequent of two bytes or more, and how many pieces there are in all."),
      ...samples(vocabulary),
    );
  }

  get models() {
    return [];
  }
}

/** @param {Report} report */
function figures(report) {
  const mega = (/** @type {number} */ bytes) => grouped(Math.round(bytes / 1e5) / 10);
  return [
    figure(report.seconds.toFixed(1), "seconds"),
    report.n_bytes === undefined ? [] : figure(mega(report.n_bytes), "MB of text"),
    report.documents === undefined ? [] : figure(grouped(report.documents), "documents"),
    report.ngrams === undefined ? [] : figure(grouped(report.ngrams), "n-grams kept"),
    report.peak_memory === null ? [] : figure(mega(report.peak_memory), "MB at most in memory"),
  ];
}

/** Bytes per token over the size of the vocabulary, where there are several. @param {Report} report */
function compression({ models }) {
  /** @type {[number, number][]} */
  const points = Object.entries(models).flatMap(([size, { bytes_per_token: rate }]) =>
    rate === undefined ? [] : [[Number(size), rate]],
  );
  if (points.length < 2) return [];
  const series = [{ name: "bytes per token", points: points.sort(([a], [b]) => a - b) }];
  return [
    curves("Bytes per token over vocabulary size", series, { x: "ids", y: "bytes per token", logX: true, dots: true }),
  ];
}

/** @param {Report} report */
function modelTable({ models }) {
  const heads = ["asked for", "pieces", "longest piece, bytes", "bytes per token in training"];
  const rows = Object.entries(models).map(([size, model]) => [
    grouped(Number(size)),
    grouped(model.pieces),
    grouped(model.longest_piece),
    model.bytes_per_token === undefined ? "–" : model.bytes_per_token.toFixed(3),
  ]);
  return table(heads, rows);
}

/** @param {Vocabulary} vocabulary */
function settings(vocabulary) {
  const rows = Object.entries(vocabulary.header.settings).map(([name, value]) => [name, JSON.stringify(value)]);
  return table(["setting", "value"], rows);
}

/** @param {string[]} heads @param {string[][]} rows */
function table(heads, rows) {
  const row = (/** @type {"th" | "td"} */ tag, /** @type {string[]} */ values) =>
    element("tr", {}, ...values.map((value) => element(tag, {}, labelOfString(value))));
  return element(
    "table",
    { class: "totals" },
    element("thead", {}, row("th", heads)),
    element("tbody", {}, ...rows.map((values) => row("td", values))),
  );
}

/** @param {Vocabulary} vocabulary */
function samples(vocabulary) {
  /** @type {Map<string, number[]>} */
  const pieces = new Map();
  for (let k = 0; k < vocabulary.size; k++) {
    const script = vocabulary.scriptOf(k);
    if (!pieces.has(script)) pieces.set(script, []);
    pieces.get(script)?.push(k);
  }
  const largest = [...pieces].sort(([, a], [, b]) => b.length - a.length).slice(0, N_SCRIPTS);
  return largest.flatMap(([script, numbers]) => {
    const longer = numbers.filter((k) => vocabulary.lengthOf(k) > 1);
    longer.sort((a, b) => vocabulary.rankOf(b) - vocabulary.rankOf(a) || a - b);
    const chips = longer.slice(0, N_SAMPLES).map((k) => chip(vocabulary, k + vocabulary.firstId));
    return [element("h3", {}, `${script} · ${grouped(numbers.length)}`), element("p", { class: "chips" }, ...chips)];
  });
}

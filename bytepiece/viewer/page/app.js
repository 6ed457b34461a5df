/** What all views share: the models, the text, the settings, and who is told of a change. */

import { Latest } from "./client.js";

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */
/** @typedef {import("./text.js").Text} Text */
/** @typedef {Awaited<ReturnType<import("./services.js").Services["encode"]>>} Result */

/**
 * @typedef {object} View
 * @property {string} name of its tab
 * @property {HTMLElement} element
 * @property {number[]} models which models it needs the text cut by
 * @property {boolean} [usesModel] whether it is about the model that is chosen, and not about all
 * @property {(result: Result) => void} [update] told each new result while it is open
 * @property {() => void} [opened]
 */

/**
 * What the page is about, besides the models. Written by `bytepiece/viewer/view.py`.
 * @typedef {object} PageData
 * @property {string[]} models packed
 * @property {{name: string, base64: string}[]} texts
 * @property {{name: string, models: (number | null)[]}[]} evaluations for each file the bytes per token of each model
 * @property {import("./training.js").Report | null} training
 */

/** @typedef {{special: boolean, white: boolean, model: number, tab: string}} Settings */

export class App {
  /**
   * @param {PageData} data
   * @param {Vocabulary[]} vocabularies
   * @param {import("./client.js").Client} client
   * @param {{name: string, text: Text}[]} samples
   */
  constructor(data, vocabularies, client, samples) {
    this.data = data;
    this.vocabularies = vocabularies;
    this.client = client;
    this.samples = samples;
    this.special = false;
    this.white = false;
    this.model = 0;
    /** @type {Text} */
    this.text = "";
    /** The pieces that are selected in the playground. @type {number[]} */
    this.span = [];
    /** @type {View[]} */
    this.views = [];
    /** @type {View | undefined} */
    this.view = undefined;
    /** How often a result was shown; for tests and for those who wait. */
    this.nResults = 0;
    this._encoding = new Latest((/** @type {undefined} */ _) => this._encode());
  }

  get vocabulary() {
    return this.vocabularies[this.model];
  }

  /** @param {Text} text */
  setText(text) {
    this.text = text;
    this.refresh();
  }

  /** @param {Partial<Settings>} settings */
  set(settings) {
    Object.assign(this, settings);
    document.body.classList.toggle("show-white", this.white);
    this.refresh();
  }

  /** @param {number[]} pieces */
  setSpan(pieces) {
    this.span = pieces;
  }

  /** Encode the text anew for the view that is open. */
  refresh() {
    return this._encoding.run(undefined);
  }

  async _encode() {
    const { view } = this;
    if (!view?.update) return;
    const { models } = view;
    const result = await this.client.call("encode", this.text, this.special, models);
    // Meanwhile another view, or another model, may have been chosen: then the next result is on its way.
    if (view === this.view && `${models}` === `${view.models}`) view.update(result);
    this.nResults++;
  }

  /** Open a view by its name. @param {string} name */
  open(name) {
    const view = this.views.find((each) => each.name === name) ?? this.views[0];
    this.view = view;
    for (const each of this.views) each.element.hidden = each !== view;
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const chosen = tab.textContent === view.name;
      tab.setAttribute("aria-selected", `${chosen}`);
      tab.setAttribute("tabindex", chosen ? "0" : "-1");
    }
    document.body.classList.toggle("all-models", !view.usesModel);
    view.opened?.();
    return this.refresh();
  }

  /** Show a piece of the present model in the vocabulary. @param {number} piece */
  browse(piece) {
    const browser = this.views.find((each) => each.name === "Vocabulary");
    this.open("Vocabulary");
    /** @type {import("./browser.js").Browser} */ (browser).choose(piece);
  }
}

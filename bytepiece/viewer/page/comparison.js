/** Side by side: one text cut by several models, and where they differ. */

import { grouped, labelOfString } from "./display.js";
import { element } from "./dom.js";
import { TokenView } from "./token_view.js";

/** @typedef {import("./app.js").App} App */

export class Comparison {
  name = "Side by side";

  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._totals = element("table", { class: "totals" });
    this._tokens = app.vocabularies.map(({ header }) => new TokenView(`Tokens of ${labelOfString(header.name)}`));
    const columns = app.vocabularies.map(({ header }, k) =>
      element("section", { class: "stack" }, element("h2", {}, labelOfString(header.name)), this._tokens[k].element),
    );
    const note = "The text is that of the playground. A token is underlined where another model has no such token.";
    this.element = element(
      "div",
      {},
      element("p", { class: "note" }, note),
      this._totals,
      element("div", { class: "columns" }, ...columns),
    );
  }

  get models() {
    return this._app.vocabularies.map((_, k) => k);
  }

  /** @param {import("./app.js").Result} result */
  update({ bytes, characters, cuts }) {
    cuts.forEach((cut, k) => {
      this._tokens[k].show(this._app.vocabularies[k], cut);
    });
    const heads = [
      "model",
      "ids",
      "tokens",
      "against the first",
      "bytes per token",
      "characters per token",
      "cut alike",
    ];
    const first = cuts[0].ids.length;
    const rows = cuts.map(({ ids, nDiffering }, k) => {
      const n = ids.length;
      const alike = n - nDiffering;
      const share = (/** @type {number} */ amount, /** @type {number} */ total, digits = 2) =>
        total ? (amount / total).toFixed(digits) : "–";
      const values = [
        grouped(this._app.vocabularies[k].nIds),
        grouped(n),
        share(n, first, 3),
        share(bytes, n),
        share(characters, n),
        n ? `${((100 * alike) / n).toFixed(1)} %` : "–",
      ];
      const name = element("th", { scope: "row" }, labelOfString(this._app.vocabularies[k].header.name));
      return element("tr", {}, name, ...values.map((value) => element("td", {}, value)));
    });
    const head = element("tr", {}, ...heads.map((name) => element("th", { scope: "col" }, name)));
    this._totals.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  }
}

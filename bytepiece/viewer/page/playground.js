/** The playground: a text, its tokens at each keystroke, and all about the token at hand. */

import { grouped, hex } from "./display.js";
import { element } from "./dom.js";
import { Editor } from "./editor.js";
import { chip } from "./token_spans.js";
import { TokenView } from "./token_view.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Result} Result */

export class Playground {
  name = "Playground";
  usesModel = true;

  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this.editor = new Editor(app.samples, (text) => app.setText(text));
    this._tokens = new TokenView("Tokens", {
      point: (token) => this._describe(token >= 0 ? token : (this._tokens.selection?.first ?? -1)),
      selected: ({ first, last }) => this._selected(first, last),
    });
    this._figures = element("dl", { class: "figures", "aria-label": "Figures" });
    this._card = element("section", { class: "card", "aria-live": "polite", "aria-label": "The token at hand" });
    const tokens = element("section", { class: "stack" }, this._figures, this._tokens.element, this._card);
    this.element = element("div", { class: "playground" }, this.editor.element, tokens);
    /** @type {Result | undefined} */
    this._result = undefined;
    this._describe(-1);
  }

  /** Which models it needs the text cut by. */
  get models() {
    return [this._app.model];
  }

  /** @param {Result} result */
  update(result) {
    this._result = result;
    const [cut] = result.cuts;
    this._tokens.show(this._app.vocabulary, cut);
    const n = cut.ids.length;
    const per = (/** @type {number} */ amount) => (n ? (amount / n).toFixed(2) : "–");
    this._figures.replaceChildren(
      ...figure(grouped(n), n === 1 ? "token" : "tokens"),
      ...figure(grouped(result.bytes), "bytes"),
      ...figure(grouped(result.characters), "characters"),
      ...figure(per(result.bytes), "bytes per token"),
      ...figure(per(result.characters), "characters per token"),
    );
    this._describe(this._tokens.selection?.first ?? -1);
  }

  /** @param {number} first @param {number} last */
  _selected(first, last) {
    this._describe(last);
    const { firstId, size } = this._app.vocabulary;
    const ids = this._result?.cuts[0].ids.subarray(first, last + 1) ?? [];
    const pieces = Array.from(ids, (id) => id - firstId).filter((piece) => piece >= 0 && piece < size);
    this._app.setSpan(pieces);
  }

  /** @param {number} token */
  _describe(token) {
    const cut = this._result?.cuts[0];
    if (!cut || token < 0 || token >= cut.ids.length) {
      const hint = "Point at a token, or walk with the arrow keys. Select several to see why they are cut so.";
      this._card.replaceChildren(element("p", { class: "note" }, hint));
      return;
    }
    const id = cut.ids[token];
    const { vocabulary } = this._app;
    const piece = vocabulary.numberOf(id);
    const facts = element(
      "dl",
      { class: "facts" },
      ...fact("id", grouped(id)),
      ...(piece < 0
        ? fact("kind", "special token")
        : [
            ...fact("bytes", hex(vocabulary.piece(piece))),
            ...fact("count", grouped(vocabulary.countOf(piece))),
            ...fact("log-probability", vocabulary.scores[piece].toFixed(4)),
          ]),
      ...fact("bytes of the text", `${grouped(cut.begins[token])} to ${grouped(cut.ends[token])}`),
      ...fact("token", `${grouped(token + 1)} of ${grouped(cut.ids.length)}`),
    );
    const browse = element("button", { type: "button", onclick: () => this._app.browse(piece) }, "In the vocabulary");
    const why = element("button", { type: "button", onclick: () => this._app.open("Why this cut?") }, "Why this cut?");
    const buttons = piece < 0 ? [] : [element("div", { class: "row" }, browse, why)];
    this._card.replaceChildren(element("h2", {}, chip(vocabulary, id)), facts, ...buttons);
  }
}

/** @param {string} value @param {string} name */
export function figure(value, name) {
  return [element("div", {}, element("dt", {}, name), element("dd", {}, value))];
}

/** @param {string} name @param {string} value */
export function fact(name, value) {
  return [element("dt", {}, name), element("dd", {}, value)];
}

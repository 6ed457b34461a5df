/** The vocabulary: search it, sort it, and look at a piece among its neighbours. */

import { grouped, hex, labelOfString } from "./display.js";
import { element, select } from "./dom.js";
import { fact } from "./playground.js";
import { chip } from "./token_spans.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./search.js").Query} Query */

const ROW = 36; // pixels; the style sheet has the same

export class Browser {
  name = "Vocabulary";
  usesModel = true;

  /** @param {App} app */
  constructor(app) {
    this._app = app;
    /** @type {Query} */
    this._query = { mode: "text", words: "", order: "count", descending: true, onlyHere: false };
    this._found = new Uint32Array(0);
    this._chosen = -1;
    this._model = -1;
    this._rows = element("div", { class: "rows" });
    this._list = element(
      "div",
      {
        class: "list",
        tabindex: 0,
        role: "listbox",
        "aria-label": "Pieces",
        onscroll: () => this._drawRows(),
        onkeydown: (/** @type {KeyboardEvent} */ event) => this._typed(event),
      },
      this._rows,
    );
    this._status = element("p", { class: "note", role: "status" });
    this._card = element("section", { class: "card", "aria-live": "polite", "aria-label": "The piece at hand" });
    const left = element("section", { class: "stack" }, this._controls(), this._status, this._list);
    this.element = element("div", { class: "browser" }, left, this._card);
  }

  get models() {
    return [];
  }

  _controls() {
    const change = (/** @type {Partial<Query>} */ part) => {
      this._query = { ...this._query, ...part };
      this._search();
    };
    const words = element("input", {
      type: "search",
      "aria-label": "Search",
      placeholder: "Search …",
      oninput: () => change({ words: words.value }),
    });
    const modes = select(
      "How to search",
      [
        ["text", "text"],
        ["bytes", "bytes in hex"],
        ["regex", "regular expression"],
      ],
      (value) => change({ mode: /** @type {Query["mode"]} */ (value) }),
    );
    const orders = select(
      "Order",
      [
        ["count true", "most frequent first"],
        ["count false", "rarest first"],
        ["id false", "by id"],
        ["length true", "longest first"],
        ["length false", "shortest first"],
        ["bytes false", "by bytes"],
      ],
      (value) => {
        const [order, descending] = value.split(" ");
        change({ order: /** @type {Query["order"]} */ (order), descending: descending === "true" });
      },
    );
    const which = select(
      "Which pieces",
      [
        ["all", "all pieces"],
        ["only", "only in this model"],
      ],
      (value) => change({ onlyHere: value === "only" }),
    );
    const several = this._app.vocabularies.length > 1 ? [which] : [];
    return element("div", { class: "row" }, words, modes, orders, ...several);
  }

  opened() {
    if (this._model !== this._app.model) {
      this._model = this._app.model;
      this._found = new Uint32Array(0);
      this._chosen = -1;
    }
    if (this._chosen < 0) this._card.replaceChildren(element("p", { class: "note" }, "Choose a piece."));
    this._search();
  }

  async _search() {
    const query = { ...this._query };
    this._query = query; // a search that is not the last one finds another here
    const { model } = this._app;
    const late = () => query !== this._query || model !== this._app.model;
    try {
      const found = await this._app.client.call("search", model, query);
      if (late()) return;
      this._found = found;
      this._status.textContent = `${grouped(found.length)} of ${grouped(this._app.vocabulary.size)} pieces`;
    } catch (error) {
      if (late()) return;
      this._found = new Uint32Array(0);
      this._status.textContent = error instanceof Error ? error.message : String(error);
    }
    this._rows.style.height = `${this._found.length * ROW}px`;
    this._list.scrollTop = 0;
    this._drawRows();
  }

  /** Only the rows in view are elements. */
  _drawRows() {
    if (this._model !== this._app.model) return; // until it is opened with the other model
    const first = Math.max(0, Math.floor(this._list.scrollTop / ROW) - 5);
    const last = Math.min(this._found.length, first + Math.ceil(this._list.clientHeight / ROW) + 10);
    const rows = [];
    for (let k = first; k < last; k++) rows.push(this._row(k));
    this._rows.replaceChildren(...rows);
  }

  /** @param {number} k */
  _row(k) {
    const { vocabulary } = this._app;
    const piece = this._found[k];
    const row = element(
      "div",
      {
        class: piece === this._chosen ? "listed selected" : "listed",
        role: "option",
        "aria-selected": piece === this._chosen ? "true" : "false",
        "aria-posinset": k + 1,
        "aria-setsize": this._found.length,
        onclick: () => this.choose(piece),
      },
      element("span", { class: "number" }, grouped(piece + vocabulary.firstId)),
      chip(vocabulary, piece + vocabulary.firstId),
      element("span", { class: "number" }, grouped(vocabulary.countOf(piece))),
    );
    row.style.top = `${k * ROW}px`;
    return row;
  }

  /** @param {KeyboardEvent} event */
  _typed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (step === undefined || !this._found.length) return;
    event.preventDefault();
    const at = this._found.indexOf(this._chosen);
    const k = at < 0 ? 0 : Math.max(0, Math.min(this._found.length - 1, at + step));
    const top = k * ROW;
    if (top < this._list.scrollTop) this._list.scrollTop = top;
    const bottom = this._list.scrollTop + this._list.clientHeight;
    if (top + ROW > bottom) this._list.scrollTop += top + ROW - bottom;
    this.choose(this._found[k]);
  }

  /** Show all about a piece. @param {number} piece */
  async choose(piece) {
    this._chosen = piece;
    this._drawRows();
    const { vocabulary, model } = this._app;
    const around = await this._app.client.call("neighbours", model, piece);
    if (piece !== this._chosen || model !== this._app.model) return;
    const facts = element(
      "dl",
      { class: "facts" },
      ...fact("id", grouped(piece + vocabulary.firstId)),
      ...fact("bytes", hex(vocabulary.piece(piece))),
      ...fact("count", grouped(vocabulary.countOf(piece))),
      ...fact("log-probability", vocabulary.scores[piece].toFixed(4)),
      ...fact("script", vocabulary.scriptOf(piece)),
    );
    /** @type {HTMLElement[][]} */
    const sections = [
      this._pieces("Cut without it", around.without, "a single byte: no text could do without it"),
      ...(around.with.length > 1 ? [this._pieces("Never used: as a text, it is cut", around.with, "")] : []),
      this._pieces("Begins with", around.prefixes, "none"),
      this._pieces(`Extended by ${grouped(around.nExtensions)}`, around.extensions, "none"),
    ];
    if (this._app.vocabularies.length > 1) sections.push(this._elsewhere(around.elsewhere));
    const name = element("h2", {}, chip(vocabulary, piece + vocabulary.firstId));
    this._card.replaceChildren(name, facts, ...sections.flat());
  }

  /** @param {string} title @param {number[]} pieces @param {string} none */
  _pieces(title, pieces, none) {
    const { vocabulary } = this._app;
    const buttons = pieces.map((piece) =>
      element(
        "button",
        { type: "button", class: "plain", onclick: () => this.choose(piece) },
        chip(vocabulary, piece + vocabulary.firstId),
      ),
    );
    const content = pieces.length ? buttons : [element("span", { class: "note" }, none)];
    return [element("h3", {}, title), element("p", { class: "chips" }, ...content)];
  }

  /** @param {number[]} numbers for each model the number of the piece, or -1 */
  _elsewhere(numbers) {
    const items = this._app.vocabularies.map(({ header, firstId }, k) => {
      const where = numbers[k] < 0 ? "does not have it" : `has it, with id ${grouped(numbers[k] + firstId)}`;
      return element("li", {}, `${labelOfString(header.name)} ${where}`);
    });
    return [element("h3", {}, "In the models"), element("ul", {}, ...items)];
  }
}

/** Why this cut? The lattice of a span, its best paths, and draws. */

import { grouped, label } from "./display.js";
import { element, svg } from "./dom.js";
import { bytesOf } from "./text.js";
import { chip } from "./token_spans.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./lattice.js").Edge} Edge */
/** @typedef {import("./lattice.js").Path} Path */

const MOST_BYTES = 200;
const N_BEST = 10;
const N_DRAWS = 10;
const COLUMN = 30; // pixels of a byte in the picture
const ROW = 30;

export class Explanation {
  name = "Why this cut?";
  usesModel = true;

  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._alpha = 1;
    this._seed = 0;
    /** What was asked for last. @type {object | undefined} */
    this._asked = undefined;
    /** @type {Uint8Array} */
    this._bytes = bytesOf("the old clock");
    this._field = element("input", {
      type: "text",
      "aria-label": "Span",
      oninput: () => this._typed(),
    });
    this._shownAlpha = element("output", {}, "1.00");
    const slider = element("input", {
      type: "range",
      min: 0,
      max: 2,
      step: 0.05,
      value: 1,
      "aria-label": "alpha",
      oninput: () => {
        this._alpha = Number(slider.value);
        this._shownAlpha.textContent = this._alpha.toFixed(2);
        this._explain();
      },
    });
    const again = element("button", { type: "button", onclick: () => this._drawAgain() }, "Draw again");
    const row = element(
      "div",
      { class: "row" },
      element("label", { class: "wide" }, "Span ", this._field),
      element("label", {}, "alpha ", slider, this._shownAlpha),
      again,
    );
    this._note = element("p", { class: "note", role: "status" });
    this._picture = element("div", { class: "lattice", tabindex: 0, role: "group", "aria-label": "Lattice" });
    this._best = element("ol", { class: "paths" });
    this._draws = element("ol", { class: "paths" });
    this.element = element(
      "div",
      {},
      row,
      this._note,
      element("h2", {}, "All pieces that fit"),
      element("p", { class: "note" }, PICTURE_NOTE),
      this._picture,
      element(
        "div",
        { class: "columns" },
        element("section", {}, element("h2", {}, "The best"), this._best),
        element("section", {}, element("h2", {}, "Drawn at random"), this._draws),
      ),
    );
  }

  get models() {
    return [];
  }

  opened() {
    const { vocabulary, span } = this._app;
    if (span.length) {
      this._bytes = joined(span.map((piece) => vocabulary.piece(piece))).slice(0, MOST_BYTES);
      this._app.setSpan([]);
    }
    this._field.value = new TextDecoder("utf-8", { ignoreBOM: true }).decode(this._bytes);
    this._explain();
  }

  _typed() {
    const { value } = this._field;
    this._bytes = bytesOf(this._app.vocabulary.normalizes ? value.normalize("NFC") : value).slice(0, MOST_BYTES);
    this._explain();
  }

  _drawAgain() {
    this._seed += N_DRAWS;
    this._explain();
  }

  async _explain() {
    const bytes = this._bytes;
    const options = { alpha: this._alpha, best: N_BEST, draws: N_DRAWS, seed: this._seed };
    this._asked = options;
    const explained = await this._app.client.call("explain", this._app.model, bytes, options);
    if (options !== this._asked) return; // something else was asked for meanwhile
    this._note.textContent = `${grouped(bytes.length)} bytes, at most ${MOST_BYTES}; as a text of their own.`;
    this._picture.replaceChildren(this._draw(explained.edges, explained.best[0]));
    this._best.replaceChildren(...explained.best.map((path) => this._path(path)));
    this._draws.replaceChildren(...explained.draws.map((path) => this._path(path)));
  }

  /** @param {Path} path */
  _path({ pieces, score, share }) {
    const { vocabulary } = this._app;
    const chips = pieces.map((piece) => chip(vocabulary, piece + vocabulary.firstId));
    const figures = element(
      "span",
      { class: "note" },
      `${percent(share)} · ${score.toFixed(2)} · ${pieces.length} ${pieces.length === 1 ? "token" : "tokens"}`,
    );
    return element("li", {}, element("span", { class: "chips" }, ...chips), figures);
  }

  /**
   * Each piece is a box over the bytes that it takes; those that take more are higher up.
   * @param {Edge[]} edges
   * @param {Path} best
   */
  _draw(edges, best) {
    const { vocabulary } = this._app;
    const onBest = new Set();
    let end = 0;
    for (const piece of best.pieces) {
      onBest.add(`${end} ${piece}`);
      end += vocabulary.lengthOf(piece);
    }
    const placed = inRows(edges);
    const width = this._bytes.length * COLUMN + 2;
    const height = placed.length * ROW + 24;
    const boxes = placed.flatMap((row, k) =>
      row.map((edge) => this._box(edge, height - 24 - (k + 1) * ROW, onBest.has(`${edge.begin} ${edge.piece}`))),
    );
    const bytes = Array.from(this._bytes, (byte, k) =>
      svg(
        "text",
        { x: k * COLUMN + COLUMN / 2 + 1, y: height - 6, class: "byte-label" },
        byte.toString(16).padStart(2, "0"),
      ),
    );
    return svg("svg", { width, height, role: "presentation" }, ...boxes, ...bytes);
  }

  /** @param {Edge} edge @param {number} y @param {boolean} best */
  _box({ piece, begin, end, share }, y, best) {
    const { vocabulary } = this._app;
    const width = (end - begin) * COLUMN;
    const name = label(vocabulary.piece(piece));
    const room = Math.max(1, Math.floor(width / 9) - 1);
    const shown =
      Array.from(name).length > room
        ? `${Array.from(name)
            .slice(0, room - 1)
            .join("")}…`
        : name;
    const title = `${name}: log-probability ${vocabulary.scores[piece].toFixed(3)}, in ${percent(share)} of the draws`;
    return svg(
      "g",
      { class: best ? "box best" : "box", tabindex: 0, role: "img", "aria-label": title },
      svg("title", {}, title),
      svg("rect", { x: begin * COLUMN + 2, y: y + 2, width: width - 2, height: ROW - 4, rx: 5 }),
      svg("rect", {
        class: "share",
        x: begin * COLUMN + 2,
        y: y + ROW - 6,
        width: Math.max(0, (width - 2) * share),
        height: 4,
      }),
      svg("text", { x: begin * COLUMN + 1 + width / 2, y: y + ROW / 2 + 4 }, shown),
    );
  }
}

const PICTURE_NOTE =
  "Each box is a piece over the bytes that it takes. Filled: the best path, which is what the tokenizer gives. " +
  "The bar at the foot of a box is the probability that a draw has this piece here.";

/** Edges in rows, so that none overlap; the shortest in the lowest. @param {Edge[]} edges */
function inRows(edges) {
  const sorted = edges.toSorted((a, b) => a.end - a.begin - (b.end - b.begin) || a.begin - b.begin);
  /** @type {Edge[][]} */
  const rows = [];
  for (const edge of sorted) {
    const row = rows.find((each) => each.every(({ begin, end }) => end <= edge.begin || begin >= edge.end));
    if (row) row.push(edge);
    else rows.push([edge]);
  }
  return rows;
}

/** @param {number} share */
function percent(share) {
  if (share >= 0.9995) return "100 %";
  if (share >= 0.001) return `${(100 * share).toFixed(1)} %`;
  return `${(100 * share).toPrecision(1)} %`;
}

/** @param {Uint8Array[]} pieces */
function joined(pieces) {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

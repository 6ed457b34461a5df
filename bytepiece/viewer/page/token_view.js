/**
 * The tokens of a text, coloured: any number of them, of which only those near the eye are elements.
 *
 * Tokens are in blocks of some hundred, which end with lines where they can. A block that comes into view is filled; one
 * that leaves is emptied and keeps its height.
 */

import { element } from "./dom.js";
import { lineBreaks, tokenSpan } from "./token_spans.js";

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary */
/** @typedef {import("./services.js").Cut} Cut */
/** @typedef {import("./blocks.js").Block} Block */
/** @typedef {{first: number, last: number}} Selection tokens, both included */

const LINE = 32; // pixels

let nViews = 0;

export class TokenView {
  /**
   * @param {string} name for those who do not see it
   * @param {{point?: (token: number) => void, selected?: (selection: Selection) => void}} listeners
   *   told the token under the pointer, -1 for none; and the tokens that are selected
   */
  constructor(name, listeners = {}) {
    this._name = `tokens${nViews++}`;
    this._listeners = listeners;
    /** @type {Block[]} */
    this._blocks = [];
    /** For each block the lines for which it has room while it is empty. @type {number[]} */
    this._rooms = [];
    /** @type {Map<Element, number>} */
    this._numbers = new Map();
    /** @type {Set<number>} */
    this._filled = new Set();
    /** @type {Selection | undefined} */
    this.selection = undefined;
    this._anchor = 0;
    this._focus = 0;
    /** @type {{vocabulary: Vocabulary, cut: Cut} | undefined} */
    this._shown = undefined;
    this.element = element("div", {
      class: "tokens",
      tabindex: 0,
      role: "listbox",
      "aria-label": name,
      "aria-multiselectable": "true",
      onpointerover: (/** @type {PointerEvent} */ event) => this._pointed(event),
      onpointerleave: () => this._listeners.point?.(-1),
      onpointerdown: (/** @type {PointerEvent} */ event) => this._pressed(event),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this._typed(event),
    });
    this._observer = new IntersectionObserver((entries) => this._moved(entries), {
      root: this.element,
      rootMargin: "400px 0px",
    });
  }

  /** @param {Vocabulary} vocabulary @param {Cut} cut */
  show(vocabulary, cut) {
    const before = this._shown;
    const comparable = before?.vocabulary === vocabulary && before.cut.nDiffering + cut.nDiffering === 0;
    this._shown = { vocabulary, cut };
    const old = this._blocks;
    this._blocks = cut.blocks;
    this._fitBlocks();
    if (this.selection && this.selection.last >= cut.ids.length) this.selection = undefined;
    for (const number of this._filled) {
      const { begin, end } = this._blocks[number];
      const stays = comparable && old[number]?.begin === begin && old[number].end === end;
      if (!stays || !equal(before.cut.ids, cut.ids, begin, end)) this._fill(number);
    }
  }

  /** Make as many block elements as there are blocks, with their heights. */
  _fitBlocks() {
    const { children } = this.element;
    while (children.length > this._blocks.length) {
      const last = /** @type {Element} */ (this.element.lastElementChild);
      this._observer.unobserve(last);
      this._filled.delete(this._numbers.get(last) ?? -1);
      this._numbers.delete(last);
      last.remove();
    }
    this._rooms.length = Math.min(this._rooms.length, this._blocks.length);
    while (children.length < this._blocks.length) {
      const block = element("div", { class: "block", role: "presentation" });
      this._numbers.set(block, children.length);
      this.element.append(block);
      this._observer.observe(block);
    }
    this._blocks.forEach(({ lines }, number) => {
      if (lines === this._rooms[number] || this._filled.has(number)) return;
      this._rooms[number] = lines;
      this._block(number).style.height = `${lines * LINE}px`;
    });
  }

  /** @param {number} number */
  _block(number) {
    return /** @type {HTMLElement} */ (this.element.children[number]);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  _moved(entries) {
    for (const { target, isIntersecting } of entries) {
      const number = this._numbers.get(target);
      if (number === undefined || isIntersecting === this._filled.has(number)) continue;
      if (isIntersecting) {
        this._fill(number);
      } else {
        this._filled.delete(number);
        const block = this._block(number);
        const { lines } = this._blocks[number];
        this._rooms[number] = lines;
        // In a view that is hidden, nothing has a height.
        block.style.height = `${block.offsetHeight || lines * LINE}px`;
        block.replaceChildren();
      }
    }
  }

  /** @param {number} number */
  _fill(number) {
    if (!this._shown) return;
    const { vocabulary, cut } = this._shown;
    /** @type {(HTMLElement | string)[]} */
    const spans = [];
    for (let k = this._blocks[number].begin; k < this._blocks[number].end; k++) {
      const span = tokenSpan(vocabulary, cut.ids[k]);
      span.id = `${this._name}-${k}`;
      span.dataset.token = `${k}`;
      span.setAttribute("role", "option");
      if (cut.differs[k]) span.classList.add("differs");
      if (this._isSelected(k)) span.classList.add("selected");
      spans.push(span, lineBreaks(vocabulary, cut.ids[k]));
    }
    this._filled.add(number);
    const block = this._block(number);
    block.style.height = "";
    block.replaceChildren(...spans);
  }

  /** @param {number} token */
  _isSelected(token) {
    return this.selection !== undefined && token >= this.selection.first && token <= this.selection.last;
  }

  /** The token that an element belongs to, or -1. @param {EventTarget | Element | null} target */
  _tokenOf(target) {
    const span = target instanceof Element ? target.closest("[data-token]") : null;
    return span instanceof HTMLElement && this.element.contains(span) ? Number(span.dataset.token) : -1;
  }

  /** @param {PointerEvent} event */
  _pointed(event) {
    const token = this._tokenOf(event.target);
    if (token < 0) return;
    if (event.buttons === 1) this.select(this._anchor, token);
    else this._listeners.point?.(token);
  }

  /** @param {PointerEvent} event */
  _pressed(event) {
    const token = this._tokenOf(event.target);
    if (token < 0) return;
    this.select(event.shiftKey ? this._anchor : token, token);
  }

  /** @param {KeyboardEvent} event */
  _typed(event) {
    const n = this._shown?.cut.ids.length ?? 0;
    const next = this._target(event.key, n);
    if (next === undefined || n === 0) return;
    event.preventDefault();
    const token = Math.max(0, Math.min(n - 1, next));
    this.select(event.shiftKey ? this._anchor : token, token);
    this._reveal(token);
  }

  /**
   * The token that a key leads to.
   * @param {string} key
   * @param {number} n
   */
  _target(key, n) {
    if (!this.selection && key.startsWith("Arrow")) return 0;
    if (key === "ArrowRight") return this._focus + 1;
    if (key === "ArrowLeft") return this._focus - 1;
    if (key === "ArrowDown") return this._vertical(1);
    if (key === "ArrowUp") return this._vertical(-1);
    if (key === "Home") return 0;
    if (key === "End") return n - 1;
    return undefined;
  }

  /** The token below or above the one in focus. @param {1 | -1} direction */
  _vertical(direction) {
    this._reveal(this._focus);
    const box = document.getElementById(`${this._name}-${this._focus}`)?.getBoundingClientRect();
    if (!box) return this._focus;
    const x = box.left + box.width / 2;
    for (let step = 1; step <= 4; step++) {
      const y = box.top + box.height / 2 + direction * step * LINE * 0.6;
      const token = this._tokenOf(document.elementFromPoint(x, y));
      if (token >= 0 && (token - this._focus) * direction > 0) return token;
    }
    return this._focus + 10 * direction;
  }

  /** Scroll to a token. @param {number} token */
  _reveal(token) {
    const number = this._blocks.findIndex(({ end }) => token < end);
    if (number < 0) return;
    if (!this._filled.has(number)) this._fill(number);
    document.getElementById(`${this._name}-${token}`)?.scrollIntoView({ block: "nearest" });
  }

  /**
   * Select the tokens between two, of which the second is in focus.
   * @param {number} anchor
   * @param {number} focus
   */
  select(anchor, focus) {
    this._anchor = anchor;
    this._focus = focus;
    this.selection = { first: Math.min(anchor, focus), last: Math.max(anchor, focus) };
    for (const number of this._filled) {
      for (const span of this._block(number).children) {
        const selected = this._isSelected(this._tokenOf(span));
        span.classList.toggle("selected", selected);
        span.setAttribute("aria-selected", `${selected}`);
      }
    }
    this.element.setAttribute("aria-activedescendant", `${this._name}-${focus}`);
    this._listeners.selected?.(this.selection);
  }
}

/**
 * Whether two arrays have the same values in some range.
 * @param {Uint32Array} array
 * @param {Uint32Array} other
 * @param {number} begin
 * @param {number} end
 */
function equal(array, other, begin, end) {
  for (let k = begin; k < end; k++) if (array[k] !== other[k]) return false;
  return true;
}

/** Charts, drawn as SVG: curves over a linear or logarithmic axis, and bars. */

import { element, svg } from "./dom.js";

/** @typedef {{name: string, points: [number, number][]}} Series */
/** @typedef {{name: string, values: (number | null)[]}} Bar a value for each series */

const WIDTH = 560;
const HEIGHT = 300;
const LEFT = 64;
const RIGHT = 30;
const TOP = 14;
const BOTTOM = 44;

/** @param {number} value */
function short(value) {
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(0);
  if (value >= 1e6) return Intl.NumberFormat("en-US", { notation: "compact" }).format(value);
  return Intl.NumberFormat("en-US", { maximumFractionDigits: 2 }).format(value);
}

/** An axis: where a value is drawn, and which values are marked. */
class Axis {
  /** @param {number[]} values @param {boolean} logarithmic @param {[number, number]} range in pixels */
  constructor(values, logarithmic, range) {
    this._range = range;
    this._f = logarithmic ? Math.log10 : (/** @type {number} */ value) => value;
    const low = logarithmic ? Math.min(...values) : Math.min(0, ...values);
    const high = Math.max(...values);
    this.marks = logarithmic ? powers(low, high) : steps(low, high);
    this._low = this._f(Math.min(low, this.marks[0]));
    this._high = this._f(Math.max(high, this.marks.at(-1) ?? high));
    if (this._high === this._low) this._high++;
  }

  /** @param {number} value */
  place(value) {
    const [begin, end] = this._range;
    return begin + ((this._f(value) - this._low) / (this._high - this._low)) * (end - begin);
  }
}

/** @param {number} low @param {number} high */
function powers(low, high) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const every = Math.ceil((last - first) / 7) || 1;
  const marks = [];
  for (let power = first; power <= last; power += every) marks.push(10 ** power);
  return marks;
}

/** @param {number} low @param {number} high */
function steps(low, high) {
  const rough = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10);
  const marks = [];
  for (let k = Math.floor(low / step); k * step < high + step; k++) marks.push(k * step);
  return marks;
}

/**
 * Curves; each series has a colour and a dash of its own.
 * @param {string} title
 * @param {Series[]} series
 * @param {{x: string, y: string, logX?: boolean, logY?: boolean, dots?: boolean}} options names of the axes, and how
 *   they go
 */
export function curves(title, series, { x, y, logX = false, logY = false, dots = false }) {
  const points = series.flatMap((each) => each.points);
  if (!points.length) return figureOf(title, [], element("p", { class: "note" }, "nothing to show"));
  const across = new Axis(column(points, 0), logX, [LEFT, WIDTH - RIGHT]);
  const up = new Axis(column(points, 1), logY, [HEIGHT - BOTTOM, TOP]);
  const drawn = series.flatMap((each, k) => {
    const places = each.points.map(([a, b]) => `${across.place(a).toFixed(1)},${up.place(b).toFixed(1)}`);
    const line = svg("polyline", { class: `series s${k}`, points: places.join(" ") }, svg("title", {}, each.name));
    if (!dots) return [line];
    const circles = each.points.map(([a, b]) =>
      svg(
        "circle",
        { class: `dot s${k}`, cx: across.place(a), cy: up.place(b), r: 4 },
        svg("title", {}, `${each.name}: ${short(a)}, ${short(b)}`),
      ),
    );
    return [line, ...circles];
  });
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${y} over ${x}` },
    ...across.marks.flatMap((mark) => verticalMark(across.place(mark), short(mark))),
    ...up.marks.flatMap((mark) => horizontalMark(up.place(mark), short(mark))),
    svg("text", { class: "axis", x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, x),
    svg(
      "text",
      { class: "axis", x: -(HEIGHT - BOTTOM + TOP) / 2, y: 14, transform: "rotate(-90)", "text-anchor": "middle" },
      y,
    ),
    ...drawn,
  );
  return figureOf(
    title,
    series.map(({ name }) => name),
    picture,
  );
}

/** @param {[number, number][]} points @param {0 | 1} which */
function column(points, which) {
  return [Math.min(...points.map((point) => point[which])), Math.max(...points.map((point) => point[which]))];
}

/** @param {number} x @param {string} text */
function verticalMark(x, text) {
  return [
    svg("line", { class: "grid", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }),
    svg("text", { class: "mark", x, y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, text),
  ];
}

/** @param {number} y @param {string} text */
function horizontalMark(y, text) {
  return [
    svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }),
    svg("text", { class: "mark", x: LEFT - 6, y: y + 4, "text-anchor": "end" }, text),
  ];
}

/**
 * Horizontal bars, grouped by name; a bar for each series.
 * @param {string} title
 * @param {string[]} names of the series
 * @param {Bar[]} bars
 * @param {(value: number) => string} show
 */
export function barChart(title, names, bars, show) {
  const height = Math.max(10, 22 / names.length);
  const group = height * names.length + 10;
  const left = 170;
  const right = 80;
  const largest = Math.max(...bars.flatMap(({ values }) => values.map((value) => value ?? 0)), Number.MIN_VALUE);
  const drawn = bars.flatMap(({ name, values }, k) => {
    const top = k * group;
    const text = Array.from(name).length > 22 ? `${Array.from(name).slice(0, 21).join("")}…` : name;
    const middle = top + (group - 10) / 2 + 4;
    const head = svg(
      "text",
      { class: "mark", x: left - 8, y: middle, "text-anchor": "end" },
      svg("title", {}, name),
      text,
    );
    const boxes = values.flatMap((value, series) => {
      if (value === null) return [];
      const width = ((WIDTH - left - right) * value) / largest;
      const y = top + series * height;
      return [
        svg("rect", { class: `bar s${series}`, x: left, y, width: Math.max(width, 1), height: height - 2, rx: 2 }),
        svg("text", { class: "mark", x: left + width + 6, y: y + height / 2 + 3 }, show(value)),
      ];
    });
    return [head, ...boxes];
  });
  const size = { viewBox: `0 0 ${WIDTH} ${Math.max(1, bars.length * group)}`, role: "img", "aria-label": title };
  return figureOf(title, names, svg("svg", size, ...drawn));
}

/**
 * @param {string} title
 * @param {string[]} names
 * @param {Element} picture
 */
function figureOf(title, names, picture) {
  const legend = names.map((name, k) => element("span", { class: `legend s${k}` }, name));
  return element(
    "figure",
    {},
    element("figcaption", {}, element("h2", {}, title), ...(names.length > 1 ? legend : [])),
    picture,
  );
}

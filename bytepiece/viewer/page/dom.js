/** Elements, made without markup: every string becomes text. */

/** @typedef {Record<string, string | number | boolean | ((event: any) => void) | undefined>} Properties */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. A property that begins with "on" is a listener; any other an attribute, left out where it is undefined or
 * false.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Properties} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/**
 * An element of SVG.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Properties} [properties]
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, properties = {}, ...children) {
  const made = /** @type {SVGElementTagNameMap[K]} */ (document.createElementNS(SVG, tag));
  return filled(made, properties, children);
}

/**
 * @template {Element} E
 * @param {E} made
 * @param {Properties} properties
 * @param {(Node | string)[]} children
 */
function filled(made, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

/**
 * The element of the page with an id.
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element #${id}`);
  return found;
}

/**
 * A select for some choices.
 * @param {string} name what is chosen, for those who do not see it
 * @param {[string, string][]} choices values and labels
 * @param {(value: string) => void} choose
 */
export function select(name, choices, choose) {
  const options = choices.map(([value, label]) => element("option", { value }, label));
  const made = element("select", { "aria-label": name, onchange: () => choose(made.value) }, ...options);
  return made;
}

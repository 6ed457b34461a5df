/** Begins: reads the models, makes the views, and brings back what a link carries. */

import { App } from "./app.js";
import { Browser } from "./browser.js";
import { Client } from "./client.js";
import { Comparison } from "./comparison.js";
import { labelOfString } from "./display.js";
import { byId, element, select } from "./dom.js";
import { Explanation } from "./explanation.js";
import { Playground } from "./playground.js";
import { Plots } from "./plots.js";
import { packFragment, readFragment } from "./share.js";
import { Training } from "./training.js";
import { Vocabulary } from "./vocabulary.js";

/** @typedef {import("./app.js").PageData} PageData */

const SAMPLE = `The old clock was repaired by the lake, and nobody asked why.
钟楼巷的修表匠说，那只钟走得比以前还准。
def repair(clock): return [part for part in clock if part.turns]
Der alte Uhrmacher; часовщик; ساعت‌ساز; 時計屋 🙂
`;

/** @param {string} base64 */
function fromBase64(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** @param {string} message */
function notice(message) {
  const place = byId("notice");
  place.textContent = message;
  place.hidden = message === "";
}

/** The tabs, which arrow keys walk through. @param {App} app */
function makeTabs(app) {
  const tabs = app.views.map(({ name }) =>
    element("button", { type: "button", role: "tab", onclick: () => app.open(name) }, name),
  );
  const place = byId("tabs");
  place.append(...tabs);
  place.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const at = tabs.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const next = tabs[(at + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
  app.views.forEach(({ element: panel, name }) => {
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-label", name);
  });
}

/** The settings that all views obey. @param {App} app */
function makeSettings(app) {
  const box = (/** @type {string} */ name, /** @type {"special" | "white"} */ key) => {
    const input = element("input", { type: "checkbox", onchange: () => app.set({ [key]: input.checked }) });
    input.checked = app[key];
    return element("label", {}, input, ` ${name}`);
  };
  const names = app.vocabularies.map(
    ({ header }, k) => /** @type {[string, string]} */ ([`${k}`, labelOfString(header.name)]),
  );
  const models = select("Model", names, (value) => {
    app.set({ model: Number(value) });
    app.setSpan([]);
    app.view?.opened?.();
  });
  models.value = `${app.model}`;
  const choice = names.length > 1 ? [element("label", { class: "model" }, "Model ", models)] : [];
  return element(
    "div",
    { class: "settings row" },
    ...choice,
    box("show white space", "white"),
    box("allow special tokens", "special"),
  );
}

/** @param {App} app */
async function share(app) {
  const { text, special, white, model, view } = app;
  try {
    const fragment = await packFragment({ text, special, white, model, tab: view?.name ?? "" });
    location.hash = fragment;
    await navigator.clipboard?.writeText(location.href);
    notice(navigator.clipboard ? "The link is copied." : "The link is in the address bar.");
  } catch (error) {
    notice(location.hash.length > 1 ? "The link is in the address bar." : String(error));
  }
}

const THEMES = ["auto", "light", "dark"];

function nextTheme() {
  const button = byId("theme");
  const present = document.documentElement.dataset.theme ?? "auto";
  const next = THEMES[(THEMES.indexOf(present) + 1) % THEMES.length];
  document.documentElement.dataset.theme = next;
  button.textContent = `Theme: ${next}`;
}

async function begin() {
  /** @type {PageData} */
  const data = JSON.parse(byId("data").textContent ?? "");
  const client = new Client(byId("worker").textContent ?? "");
  const [contents, shared] = await Promise.all([client.call("load", data.models), readFragment(location.hash)]);
  const vocabularies = contents.map(([header, columns]) => new Vocabulary(header, columns));
  const samples = data.texts.map(({ name, base64 }) => ({ name, text: fromBase64(base64) }));
  const app = new App(data, vocabularies, client, [...samples, { name: "a few lines", text: SAMPLE }]);
  if (shared) {
    const { special, white } = shared;
    Object.assign(app, { special, white, model: shared.model in vocabularies ? shared.model : 0 });
  } else if (location.hash.length > 1) {
    notice("The link is damaged: it has no text that could be read.");
  }
  document.body.classList.toggle("show-white", app.white);
  const playground = new Playground(app);
  if (data.training) app.views.push(new Training(app, data.training));
  app.views.push(playground);
  if (vocabularies.length > 1) app.views.push(new Comparison(app));
  app.views.push(new Explanation(app), new Browser(app), new Plots(app));
  makeTabs(app);
  byId("main").replaceChildren(makeSettings(app), ...app.views.map((view) => view.element));
  byId("share").addEventListener("click", () => share(app));
  byId("theme").addEventListener("click", nextTheme);
  Object.assign(globalThis, { bytepiece: app }); // for the console, and for tests
  playground.editor.set(shared?.text ?? app.samples[0].text);
  await app.open(shared?.tab ?? "");
  performance.mark("ready");
  document.body.dataset.ready = "true";
}

/** @param {unknown} error */
function fail(error) {
  notice(`Something went wrong: ${error instanceof Error ? error.message : error}`);
}

addEventListener("unhandledrejection", ({ reason }) => fail(reason));
begin().catch(fail);

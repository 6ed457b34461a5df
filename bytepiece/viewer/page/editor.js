/**
 * Where the text comes from: typed, pasted, dropped, or opened.
 *
 * A browser lays out a text field as a whole at each keystroke, which takes half a second for a line of 1 MB. So a long
 * text is edited in parts, one at a time. A file that is not plain text is shown, but not edited.
 */

import { grouped, labelOfString } from "./display.js";
import { element, select } from "./dom.js";

/** @typedef {import("./text.js").Text} Text */

const PART = 8_000; // UTF-16 units of a part, about
const LARGEST = 16_000_000; // bytes of a file that are read

/**
 * Cut a text into parts, at the ends of lines where there are some, and never within a character.
 * @param {string} text
 */
export function cutIntoParts(text) {
  const parts = [];
  for (let begin = 0; begin < text.length || begin === 0; ) {
    let end = Math.min(begin + PART, text.length);
    if (end < text.length) {
      const newline = text.lastIndexOf("\n", end - 1);
      if (newline >= begin + PART / 2) end = newline + 1;
      else if (/[\ud800-\udbff]/.test(text[end - 1])) end--;
    }
    parts.push(text.slice(begin, end));
    if (end === text.length) break;
    begin = end;
  }
  return parts;
}

export class Editor {
  /**
   * @param {{name: string, text: Text}[]} samples texts to choose from
   * @param {(text: Text) => void} changed told each new text
   */
  constructor(samples, changed) {
    this._samples = samples;
    this._changed = changed;
    this._parts = [""];
    this._part = 0;
    /** @type {Uint8Array | undefined} */
    this._file = undefined;
    this._field = element("textarea", {
      "aria-label": "Text",
      spellcheck: "false",
      placeholder: "Type, paste, or drop a file here.",
      oninput: () => this._edited(),
      onpaste: (/** @type {ClipboardEvent} */ event) => this._paste(event),
    });
    this._note = element("p", { class: "note", role: "status" });
    this._previous = element("button", { type: "button", onclick: () => this._turn(-1) }, "◀ previous part");
    this._next = element("button", { type: "button", onclick: () => this._turn(1) }, "next part ▶");
    this._pager = element("div", { class: "pager", hidden: true }, this._previous, this._next);
    this.element = element("div", { class: "editor" }, this._chooser(), this._field, this._pager, this._note);
    this.element.addEventListener("dragover", (event) => event.preventDefault());
    this.element.addEventListener("drop", (event) => this._drop(event));
  }

  _chooser() {
    const input = element("input", {
      type: "file",
      "aria-label": "Open a file",
      onchange: () => this._open(input.files),
    });
    const choices = this._samples.map(({ name }, k) => /** @type {[string, string]} */ ([`${k}`, labelOfString(name)]));
    const samples = select("Sample texts", [["", "Sample texts …"], ...choices], (value) => {
      if (value !== "") this.set(this._samples[Number(value)].text);
      samples.value = "";
    });
    return element("div", { class: "row" }, samples, element("label", { class: "button" }, "Open a file", input));
  }

  /** @returns {Text} */
  get text() {
    return this._file ?? this._parts.join("");
  }

  /** Replace the text. @param {Text} text */
  set(text) {
    this._file = undefined;
    if (typeof text !== "string") {
      const decoded = decodeExactly(text);
      if (decoded === undefined) this._file = text;
      text = decoded ?? "";
    }
    this._parts = cutIntoParts(text);
    this._part = 0;
    this._showPart();
    this._changed(this.text);
  }

  _edited() {
    this._file = undefined;
    this._parts[this._part] = this._field.value;
    if (this._field.value.length > 2 * PART) this._cutAgain(this._field.selectionEnd);
    this._changed(this.text);
  }

  /** Cut the part that is edited, which has grown, and go on where the cursor is. @param {number} cursor */
  _cutAgain(cursor) {
    const parts = cutIntoParts(this._parts[this._part]);
    this._parts.splice(this._part, 1, ...parts);
    while (cursor > this._parts[this._part].length) {
      cursor -= this._parts[this._part].length;
      this._part++;
    }
    this._showPart();
    this._field.setSelectionRange(cursor, cursor);
  }

  /** A long text does not go through the field, which would be slow. @param {ClipboardEvent} event */
  _paste(event) {
    const pasted = event.clipboardData?.getData("text/plain") ?? "";
    if (pasted.length < PART) return;
    event.preventDefault();
    const { value, selectionStart, selectionEnd } = this._field;
    this._file = undefined;
    this._parts[this._part] = value.slice(0, selectionStart) + pasted + value.slice(selectionEnd);
    this._cutAgain(selectionStart + pasted.length);
    this._changed(this.text);
  }

  /** @param {number} step */
  _turn(step) {
    this._part += step;
    this._showPart();
    this._field.focus();
  }

  _showPart() {
    const part = this._parts[this._part];
    const n = this._parts.length;
    this._field.value = part;
    this._field.scrollTop = 0;
    this._pager.hidden = n < 2;
    this._previous.disabled = this._part === 0;
    this._next.disabled = this._part === n - 1;
    const notes = [];
    if (n > 1) notes.push(`Part ${this._part + 1} of ${n}: a long text is edited in parts.`);
    if (this._file) {
      notes.push(
        `${grouped(this._file.length)} bytes that are not plain text: shown, not edited. Typing replaces them.`,
      );
    }
    if (part.includes("\r")) notes.push("Editing turns the carriage returns of this part into newlines.");
    this._note.textContent = notes.join(" ");
  }

  /** @param {DragEvent} event */
  _drop(event) {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    this._open(event.dataTransfer.files);
  }

  /** @param {FileList | null} files */
  async _open(files) {
    if (!files?.length) return;
    const [file] = files;
    this.set(new Uint8Array(await file.slice(0, LARGEST).arrayBuffer()));
    if (file.size > LARGEST) {
      this._note.textContent = `The first ${grouped(LARGEST)} of ${grouped(file.size)} bytes. ${this._note.textContent}`;
    }
  }
}

/** The text of bytes that are UTF-8, else undefined. @param {Uint8Array} bytes */
function decodeExactly(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

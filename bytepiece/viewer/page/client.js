/** The page's end of the worker. */

/** @typedef {import("./services.js").Services} Services */

/** @template T @typedef {T extends (...values: infer V) => infer R ? (...values: V) => Promise<Awaited<R>> : never} Remote */

/** A worker that runs some source, and what it has been asked. */
export class Client {
  /** @param {string} source */
  constructor(source) {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this._worker = new Worker(address);
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this._waiting = new Map();
    this._asked = 0;
    this._worker.addEventListener("message", ({ data }) => this._answer(data));
    this._worker.addEventListener("error", ({ message }) => this._fail(message || "the worker does not start"));
  }

  /**
   * Call a method of the worker's Services.
   * @template {"load" | "encode" | "explain" | "search" | "neighbours"} M
   * @param {M} method
   * @param {Parameters<Services[M]>} values
   * @returns {Promise<Awaited<ReturnType<Services[M]>>>}
   */
  call(method, ...values) {
    const number = this._asked++;
    return new Promise((resolve, reject) => {
      this._waiting.set(number, { resolve, reject });
      this._worker.postMessage({ number, method, values });
    });
  }

  /** @param {string} message */
  _fail(message) {
    for (const { reject } of this._waiting.values()) reject(new Error(message));
    this._waiting.clear();
  }

  /** @param {{number: number, result?: unknown, failure?: {name: string, message: string}}} answer */
  _answer({ number, result, failure }) {
    const waiting = this._waiting.get(number);
    this._waiting.delete(number);
    if (failure) waiting?.reject(new Error(failure.message));
    else waiting?.resolve(result);
  }
}

/**
 * Runs one job at a time, and of those that come meanwhile only the last.
 * @template A
 */
export class Latest {
  /** @param {(argument: A) => Promise<void>} job */
  constructor(job) {
    this._job = job;
    this._busy = false;
    /** @type {{argument: A} | undefined} */
    this._next = undefined;
  }

  /** @param {A} argument */
  async run(argument) {
    this._next = { argument };
    if (this._busy) return;
    this._busy = true;
    try {
      while (this._next) {
        const { argument: next } = this._next;
        this._next = undefined;
        await this._job(next);
      }
    } finally {
      this._busy = false;
    }
  }
}

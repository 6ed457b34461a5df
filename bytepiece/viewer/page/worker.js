/** The worker: answers the requests of `client.js`, one after the other. */

import { Services } from "./services.js";

/** @typedef {{number: number, method: string, values: unknown[]}} Request */

const services = new Services();

self.addEventListener("message", async (/** @type {MessageEvent<Request>} */ { data: { number, method, values } }) => {
  try {
    // @ts-expect-error: the client calls methods of Services only.
    self.postMessage({ number, result: await services[method](...values) });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    self.postMessage({ number, failure: { name, message } });
  }
});

"""A page in Chromium, driven by Playwright."""

import base64
import json
import shutil
from contextlib import contextmanager

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# Without a network of its own, and without looking for updates.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Texts go through JSON, in which lone surrogates are escapes: Playwright's own messages cannot have any.
ENCODE = """async ([texts, special, model]) => {
    const found = [];
    for (const each of JSON.parse(texts)) {
        const text = each.base64 === undefined ? each : Uint8Array.from(atob(each.base64), (c) => c.charCodeAt(0));
        const { cuts } = await bytepiece.client.call("encode", text, special, [model]);
        found.push([...cuts[0].ids]);
    }
    return found;
}"""

SHOW = "text => bytepiece.views.find(({ name }) => name === 'Playground').editor.set(JSON.parse(text))"


@contextmanager
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Opened:
    """A page in a window of its own, with all that it asked for and all that went wrong."""

    def __init__(self, browser, path, fragment="", width=1280, scheme="light"):
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.requests, self.failures = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.failures.append(str(error)))
        self.page.on("console", lambda message: self.failures.append(message.text))
        self.page.on("dialog", lambda dialog: (self.failures.append(dialog.message), dialog.dismiss()))
        self.page.goto(path.as_uri() + fragment)
        self.page.wait_for_selector("body[data-ready]")

    def encode(self, texts, special=False, model=0):
        """The ids of texts, ``str`` or ``bytes``."""
        values = [{"base64": base64.b64encode(each).decode()} if isinstance(each, bytes) else each for each in texts]
        return self.page.evaluate(ENCODE, [json.dumps(values), special, model])

    def tab(self, name):
        self.page.get_by_role("tab", name=name).click()

    def show(self, text):
        """Put a text into the playground, and wait until its tokens are there."""
        self.wait_for_result(lambda: self.page.evaluate(SHOW, json.dumps(text)))

    def wait_for_result(self, action):
        before = self.page.evaluate("bytepiece.nResults")
        action()
        self.page.wait_for_function("before => bytepiece.nResults > before", arg=before)

    def tokens(self):
        """The tokens that are drawn."""
        return self.page.locator(".tokens >> nth=0").locator(".token").all_inner_texts()

"""How big the page of `bytepiece view` is, and how quick, in Chromium.

    python benchmarks/page.py MODEL

Needs Chromium and ``pip install playwright``. Times are medians of several rounds, in milliseconds: until the page is
ready, counted from the navigation; of segmenting 100 KB in the worker; and of the longest tasks that blocked the page
while somebody types in a text of 1 MB, which is lines, or one line.
"""

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from bytepiece import view
from bytepiece.exchange import import_model

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
LINE = "The old clock was repaired by the lake, and nobody asked why. 钟楼巷的修表匠说，它走得比以前还准。 "
KEYS = "nobody asks why the clock"

ENCODE = """async (text) => {
    const begin = performance.now();
    await bytepiece.client.call("encode", text, false, [0]);
    return performance.now() - begin;
}"""
WATCH = """() => {
    globalThis.tasks = [];
    const note = (entry) => tasks.push(entry.duration);
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ entryTypes: ["longtask"] });
}"""


def text_of(n_bytes: int, end: str) -> str:
    line = LINE + end
    return line * (n_bytes // len(line.encode()))


def ready(browser, path: Path) -> float:
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    time = page.evaluate("performance.getEntriesByName('ready')[0].startTime")
    page.close()
    return time


def typing(browser, path: Path, end: str) -> list[float]:
    """The tasks of more than 50 ms while somebody types; Chromium reports no shorter ones."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    page.evaluate("text => bytepiece.views[0].editor.set(text)", text_of(10**6, end))
    page.wait_for_timeout(3000)
    page.evaluate(WATCH)
    page.locator("textarea").focus()
    for key in KEYS:
        page.keyboard.press(key)
        page.wait_for_timeout(80)
    page.wait_for_timeout(1500)
    tasks = page.evaluate("tasks")
    page.close()
    return tasks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    model = import_model(options.model)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "page.html")
        view(model, path)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        print(f"{len(model.pieces):,} pieces, {path.stat().st_size / 1e6:.3f} MB")
        print(f"ready: {statistics.median(ready(browser, path) for _ in range(options.rounds)):.0f} ms")
        page = browser.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready]")
        times = [page.evaluate(ENCODE, text_of(100_000, "\n")) for _ in range(options.rounds)]
        print(f"100 KB: {statistics.median(times):.0f} ms, the first {times[0]:.0f} ms")
        for name, end in (("lines", "\n"), ("one line", "")):
            tasks = typing(browser, path, end)
            longest = max(tasks, default=0)
            print(f"typing in 1 MB, {name}: {len(KEYS)} keys, longest task {longest:.0f} ms, {len(tasks)} above 50 ms")


if __name__ == "__main__":
    main()

"""The page in Chromium: the ids of Python, nothing that leaves it, and every view by pointer and keyboard."""

import re
import unicodedata

import pytest

from bytepiece import Model, Tokenizer, Trainer, view
from helpers.browser import CHROMIUM, Opened, chromium
from helpers.goldens import each_published
from helpers.hostile import HOSTILE, HOSTILE_BYTES, SURROGATES
from helpers.texts import byte_strings, drawn_texts
from helpers.vocabularies import BYTES

pytest.importorskip("playwright", reason="needs Playwright, and Chromium: see .ci/run")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

# What can be reached by keyboard, is in view, and has no name.
NAMELESS = """() => [...document.querySelectorAll('button, input, select, textarea, [tabindex]')]
    .filter((each) => each.offsetParent && !each.ariaLabel && !each.textContent.trim() && !each.labels?.length)
    .map((each) => each.outerHTML)"""
TABS = ["Playground", "Side by side", "Why this cut?", "Vocabulary", "Plots"]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser, tmp_path):
    opened = []

    def open_page(models, fragment="", width=1280, scheme="light", **options):
        view(models, tmp_path / "page.html", **options)
        opened.append(Opened(browser, tmp_path / "page.html", fragment, width, scheme))
        return opened[-1]

    yield open_page
    for each in opened:
        # Whatever a test did: nothing was fetched or sent, and nothing went wrong.
        assert all(re.match("file:///.*page.html|blob:null/", url) for url in each.requests)
        assert each.failures == []
        each.context.close()


@pytest.fixture
def hostile_model():
    """Its pieces and special tokens are hostile, and so is each text that it cuts."""
    counts = dict.fromkeys(BYTES, 1) | {text.encode(): 1000 for text in HOSTILE} | {b"\xff\xfe\x00": 7}
    return Model.from_counts(counts, special_tokens=["</script><b>", "<!--", "\u202e<img src=x>"])


@pytest.fixture
def small(byte_model, open_page):
    return open_page(byte_model)


# Ids.


@each_published
def test_ids_of_goldens_and_of_random_texts(name, goldens, open_page):
    tokenizer = goldens.tokenizer(name)
    page = open_page(tokenizer)
    assert page.encode(goldens.texts) == goldens.ids(name)
    texts = byte_strings(name) + drawn_texts(tokenizer.model, name)
    assert page.encode(texts) == [tokenizer.encode(text) for text in texts]


@pytest.mark.parametrize("special", [False, True])
def test_ids_of_hostile_texts(special, hostile_model, open_page):
    page = open_page(hostile_model)
    tokenizer = Tokenizer(hostile_model)
    texts = [*HOSTILE, *SURROGATES, *HOSTILE_BYTES, "a</script><b>c"]
    options = {"allowed_special": "all"} if special else {}
    assert page.encode(texts, special) == [tokenizer.encode(text, errors="replace", **options) for text in texts]


# Markup.


def n_elements(page):
    return page.page.evaluate(
        "document.querySelectorAll('script, img, iframe, object, embed, link, base, form').length"
    )


def shown(text):
    """A piece as the page shows it: newlines are breaks after it, and what cannot be seen is a code point."""
    hidden = re.compile(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ue000-\uf8ff]"
    )
    others = re.compile("[\ufdd0-\ufdef\uffff\U000e0000-\U0010ffff]")
    text = re.sub(f"{hidden.pattern}|{others.pattern}", lambda match: f"U+{ord(match[0]):04X}", text.replace("\n", ""))
    return f"◌{text}" if unicodedata.category(text[0]).startswith("M") else text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_pieces_are_shown(text, hostile_model, open_page):
    page = open_page(hostile_model)
    page.show(text)
    assert "".join(page.tokens()) == shown(text)


@pytest.mark.parametrize("text", [*HOSTILE, "\ud800</script>"])
def test_hostile_texts_are_text(text, hostile_model, open_page):
    page = open_page([hostile_model, hostile_model])
    before = n_elements(page)
    page.show(text)
    page.page.locator(".tokens >> nth=0").focus()
    page.page.keyboard.press("Shift+End")
    for tab in TABS[1:]:
        page.tab(tab)
        page.page.wait_for_timeout(100)
    assert n_elements(page) == before == 3


def test_hostile_pieces_are_text_in_the_vocabulary(hostile_model, open_page):
    page = open_page(hostile_model)
    page.tab("Vocabulary")
    for text in HOSTILE:
        piece = hostile_model.pieces.index(text.encode())
        page.page.evaluate("piece => bytepiece.browse(piece)", piece)
        hex_bytes = text.encode().hex(" ")
        page.page.get_by_text(hex_bytes, exact=True).wait_for()
    assert n_elements(page) == 3
    first = page.page.locator(".listed .chip").first.inner_text()
    assert first.startswith("<") or "‹" in first or first in HOSTILE


def test_hostile_files_are_text(hostile_model, open_page, tmp_path):
    path = tmp_path / "<script>alert(1)<.txt"
    path.write_text("<img src=x onerror=alert(1)>\n")
    page = open_page(hostile_model, texts=path)
    assert page.page.locator("textarea").input_value() == "<img src=x onerror=alert(1)>\n"
    assert page.page.get_by_label("Sample texts").locator("option").nth(1).inner_text() == path.name
    page.tab("Plots")
    assert page.page.get_by_role("img", name="Bytes per token by file").count() == 1
    assert n_elements(page) == 3


def test_policy_refuses_what_is_not_the_page(small):
    outcome = small.page.evaluate("""async () => {
        const script = document.createElement('script');
        script.textContent = 'globalThis.broken = true';
        document.body.append(script);
        const image = new Image();
        const loaded = new Promise((resolve) => { image.onload = image.onerror = (event) => resolve(event.type); });
        image.src = 'https://example.invalid/a.png';
        const fetched = await fetch('https://example.invalid/').then(() => 'sent', () => 'refused');
        return [globalThis.broken ?? false, await loaded, fetched];
    }""")
    assert outcome == [False, "error", "refused"]
    assert all("Content Security Policy" in failure for failure in small.failures)
    assert small.failures
    small.failures.clear()
    # Chromium reports an image that the policy refuses as a request, which it never sends.
    small.requests[:] = [url for url in small.requests if "example.invalid" not in url]


# Views.


def test_tokens_at_each_keystroke(small):
    field = small.page.locator("textarea")
    small.wait_for_result(lambda: field.fill("hello"))
    assert small.tokens() == ["he", "llo"]
    field.press("End")
    small.wait_for_result(lambda: field.press_sequentially("s"))
    assert small.tokens() == ["he", "llo", "s"]


def test_figures(small):
    small.show("né hello\n")
    values = small.page.locator(".figures dd").all_inner_texts()
    assert values == ["6", "10", "9", "1.67", "1.50"]


def test_white_space_is_shown_on_demand(small):
    small.show("a the\n")
    assert small.page.locator(".token").nth(1).inner_text() == " the"
    sign = "element => getComputedStyle(element, '::before').content"
    space = small.page.locator(".space").first
    assert space.evaluate(sign) == "none"
    small.page.get_by_label("show white space").check()
    assert space.evaluate(sign) == '"·"'


def test_special_tokens_are_found_if_they_are_allowed(byte_model, open_page):
    page = open_page(byte_model.with_special_tokens(["<sep>"]))
    page.show("he<sep>llo")
    assert "<sep>" not in page.tokens()
    page.wait_for_result(page.page.get_by_label("allow special tokens").check)
    assert page.tokens() == ["he", "<sep>", "llo"]


def test_arrow_keys_walk_through_tokens(small):
    small.show("hello the\nhello")
    tokens = small.page.locator(".tokens").first
    tokens.focus()
    card = small.page.get_by_label("The token at hand")
    for key, id in [("ArrowRight", "he"), ("ArrowRight", "llo"), ("ArrowRight", "␣the"), ("ArrowLeft", "llo")]:
        small.page.keyboard.press(key)
        assert card.locator("h2").inner_text() == id
    small.page.keyboard.press("ArrowDown")
    assert card.locator("h2").inner_text() in ("he", "llo")
    small.page.keyboard.press("Shift+Home")
    assert small.page.locator(".token.selected").count() >= 4


def test_a_selected_span_is_explained(small):
    small.show("hello the")
    small.page.locator(".tokens").first.focus()
    small.page.keyboard.press("ArrowRight")
    small.page.keyboard.press("Shift+ArrowRight")
    small.tab("Why this cut?")
    assert small.page.get_by_label("Span").input_value() == "hello"
    best = small.page.locator(".paths").first.locator("li").first
    assert best.locator(".chip").all_inner_texts() == ["he", "llo"]
    assert small.page.locator(".box.best").count() == 2
    assert "%" in best.inner_text()


def test_vocabulary_is_searched(small):
    small.tab("Vocabulary")
    small.page.get_by_label("Search", exact=True).fill("llo")
    small.page.get_by_text("1 of 263 pieces").wait_for()
    small.page.locator(".listed").click()
    card = small.page.get_by_label("The piece at hand")
    card.get_by_text("Cut without it").wait_for()
    assert card.locator(".chips").first.locator(".chip").all_inner_texts() == ["l", "l", "o"]
    small.page.get_by_label("How to search").select_option("regex")
    small.page.get_by_label("Search", exact=True).fill("(")
    small.page.get_by_text("Invalid regular expression").wait_for()


def test_a_training_is_shown(open_page):
    trainer = Trainer(vocab_size=[300, 400])
    trainer.train(["the old clock 钟楼 " * 20] * 9, progress=False)
    page = open_page([*trainer.models.values()], report=trainer.report)
    panel = page.page.get_by_role("tabpanel", name="Training")
    assert panel.is_visible()
    text = panel.inner_text()
    assert all(name in text for name in ("MB of text", "Counting n-grams", "Pruning", "Han", "vocab_size"))


def test_models_side_by_side(byte_model, open_page):
    other = Model.from_counts({"hello": 50, "the": 9})
    page = open_page([byte_model, other])
    page.show("hello a")
    page.tab("Side by side")
    page.page.wait_for_selector(".token.differs")
    differing = page.page.locator(".token.differs").all_inner_texts()
    assert differing == ["he", "llo", "hello"]
    rows = page.page.locator(".totals tbody tr").all_inner_texts()
    assert [row.split("\t")[2] for row in rows] == ["4", "3"]
    page.tab("Vocabulary")
    page.page.get_by_label("Which pieces").select_option("only")
    page.page.get_by_text("7 of 263 pieces").wait_for()


def test_models_are_changed_in_every_view(byte_model, open_page):
    """The second has fewer pieces, so what is left of the first would be out of range."""
    page = open_page([Model.from_counts({f"{k:03}": 5 for k in range(500)}), byte_model])
    for tab in TABS:
        page.tab(tab)
        for model in ("1", "0", "1"):
            page.page.evaluate("model => bytepiece.set({ model })", int(model))
            page.page.evaluate("bytepiece.view.opened?.()")
    page.tab("Playground")
    page.show("hello")
    assert page.tokens() == ["he", "llo"]


def test_a_link_brings_text_and_settings_back(byte_model, open_page):
    page = open_page(byte_model)
    text = "hello <b>🙂\n\n"
    page.show(text)
    page.page.get_by_label("show white space").check()
    page.tab("Vocabulary")
    page.page.get_by_role("button", name="Share").click()
    page.page.wait_for_function("() => location.hash.length > 1")
    other = open_page(byte_model, page.page.evaluate("location.hash"))
    assert other.page.evaluate("bytepiece.text") == text
    assert other.page.evaluate("[bytepiece.white, bytepiece.view.name]") == [True, "Vocabulary"]


def test_a_damaged_link_is_told(byte_model, open_page):
    page = open_page(byte_model, "#damaged")
    assert "damaged" in page.page.locator("#notice").inner_text()


def test_any_file_can_be_opened(small):
    files = [{"name": "a.bin", "mimeType": "", "buffer": b"he\xff\x00llo\r\n"}]
    small.wait_for_result(lambda: small.page.get_by_label("Open a file").set_input_files(files))
    assert small.page.evaluate("bytepiece.text.length") == 9
    assert small.tokens() == ["he", "FF", "U+0000", "llo", "U+000D", ""]
    assert "not plain text" in small.page.locator(".editor .note").inner_text()


def test_a_long_text_is_edited_in_parts(small):
    small.show("hello the\n" * 10_000)
    assert "Part 1 of" in small.page.locator(".editor .note").inner_text()
    small.page.get_by_role("button", name="next part").click()
    field = small.page.locator("textarea")
    assert len(field.input_value()) < 8_001
    small.wait_for_result(lambda: field.press_sequentially("x"))
    assert small.page.evaluate("bytepiece.text.length") == 100_001
    # Only what is near the eye is drawn.
    assert small.page.locator(".token").count() < 3000


def test_scrolling_draws_what_comes_into_view(small):
    small.show("".join(f"line {k}\n" for k in range(20_000)))
    small.page.locator(".tokens").first.evaluate("element => { element.scrollTop = element.scrollHeight; }")
    small.page.wait_for_function("() => document.querySelector('.block:last-child .token') !== null")
    small.page.locator(".tokens").first.focus()
    small.page.keyboard.press("End")
    assert small.page.locator(".token").count() < 5000


def test_a_long_text_is_still_drawn_in_part_after_another_view(small):
    small.show("hello the\n" * 20_000)
    for tab in ("Plots", "Playground", "Vocabulary", "Playground"):
        small.tab(tab)
        small.page.wait_for_timeout(300)
    assert 0 < small.page.locator(".token").count() < 5000


def test_tabs_by_keyboard(byte_model, open_page):
    page = open_page([byte_model, byte_model])
    page.page.get_by_role("tab", name="Playground").focus()
    for name in [*TABS[1:], TABS[0]]:
        page.page.keyboard.press("ArrowRight")
        assert page.page.get_by_role("tab", selected=True).inner_text() == name
        assert page.page.get_by_role("tabpanel", name=name).is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme(scheme, byte_model, open_page):
    page = open_page(byte_model, scheme=scheme)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = "rgb(250, 249, 246)"
    assert (page.page.evaluate(ground) == light) == (scheme == "light")
    page.page.get_by_role("button", name="Theme: auto").click()
    assert page.page.evaluate(ground) == light
    page.page.get_by_role("button", name="Theme: light").click()
    assert page.page.evaluate(ground) != light


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_nothing_is_wider_than_the_window(width, byte_model, open_page):
    page = open_page([byte_model, byte_model], width=width)
    page.show("hello " + "w" * 300 + "\n" + "很" * 200)
    for tab in TABS:
        page.tab(tab)
        page.page.wait_for_timeout(50)
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_has_a_name(byte_model, open_page):
    page = open_page([byte_model, byte_model])
    for tab in TABS:
        page.tab(tab)
        assert page.page.evaluate(NAMELESS) == []

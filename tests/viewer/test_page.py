"""The page as a file: what is in it, and what can go wrong when it is written."""

import base64
import hashlib
import html
import json
import re

import pytest

import bytepiece
from bytepiece import Model, SettingsError, Tokenizer, view
from bytepiece.viewer import bundle
from helpers.hostile import HOSTILE


@pytest.fixture
def write(tmp_path):
    def write(models, **options):
        path = tmp_path / "page.html"
        view(models, path, **options)
        return path.read_text(encoding="utf-8")

    return write


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_is_the_same_each_time(write, byte_model):
    assert write(byte_model) == write(byte_model)


def test_takes_all_kinds_of_models(write, byte_model, tmp_path):
    byte_model.save(tmp_path / "my.model")
    bytepiece.exchange.export_model(byte_model, tmp_path / "folder", "huggingface")
    models = [byte_model, Tokenizer(byte_model), tmp_path / "my.model", str(tmp_path / "folder")]
    page = write(models)
    assert len(data_of(page)["models"]) == 4
    assert "<title>269 ids (1), 269 ids (2), my.model, folder</title>" in re.sub(r"\d+ ids", "269 ids", page)


@pytest.mark.parametrize("n", [0, 5])
def test_shows_one_model_to_four(n, byte_model, tmp_path):
    with pytest.raises(SettingsError, match="1 to 4"):
        view([byte_model] * n, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_brings_texts_along(write, byte_model, tmp_path):
    (tmp_path / "a.txt").write_text("hello\n")
    (tmp_path / "b.txt").write_text("né" * 2**16)
    (tmp_path / "c.txt").write_text("")
    data = data_of(write(byte_model, texts=[tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]))
    assert [text["name"] for text in data["texts"]] == ["a.txt", "b.txt", "c.txt"]
    assert base64.b64decode(data["texts"][0]["base64"]) == b"hello\n"
    assert base64.b64decode(data["texts"][1]["base64"]).decode() == "né" * 21845 + "n"
    assert data["evaluations"] == [
        {"name": "a.txt", "models": [2.0]},
        {"name": "b.txt", "models": [1.5]},
        {"name": "c.txt", "models": [None]},
    ]


def test_policy_lets_in_its_own_script_and_style_only(write, byte_model):
    page = write(byte_model)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    for directive, tag in (("script-src", "script"), ("style-src", "style")):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy


@pytest.mark.parametrize("name", HOSTILE)
def test_names_become_no_markup(name):
    page = bundle.page(name, "{}")
    assert f"<title>{html.escape(name)}</title>" in page
    assert page.count("<script") == 3
    assert page.count("</script") == 3


@pytest.mark.parametrize("entry", ["main", "worker"])
def test_scripts_end_where_they_should(entry):
    assert not re.search(r"</script|<!--", bundle.script(entry), re.IGNORECASE)


def test_no_source_makes_markup_of_strings():
    """Nor code: of all ways, those that browsers have."""
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|eval\(|new Function|srcdoc"
    for entry in ("main", "worker"):
        assert not re.search(ways, bundle.script(entry))


def test_hostile_names_and_texts_are_data(write, tmp_path):
    path = tmp_path / "<script>alert(1)<!--.txt"
    path.write_text("</script><script>alert(1)</script>\n")
    model = Model.from_counts(dict.fromkeys(HOSTILE, 5), special_tokens=["</script><b>", "<!--"])
    page = write(model, texts=path)
    assert page.count("<script") == page.count("</script") == 3
    assert data_of(page)["texts"][0]["name"] == path.name


def test_what_is_packed_is_small():
    """64,000 pieces take some 0.5 MB; here fewer, but by the same measure: about 8 bytes a piece."""
    model = Model.from_counts({f"{a}{b}{c}": 1 + a * b for a in range(20) for b in range(20) for c in range(20)})
    assert len(bundle.page("", "")) < 120_000
    assert len(bytepiece.viewer.packed_model.pack_model(model, "")) < 8 * len(model.pieces)


def test_begins_with_a_training(write, byte_model):
    report = {"seconds": 1.5, "models": {}}
    assert data_of(write(byte_model, report=report))["training"] == report
    assert data_of(write(byte_model))["training"] is None


# The command.


def test_command(ok, byte_model, tmp_path):
    byte_model.save(tmp_path / "my.model")
    (tmp_path / "a.txt").write_text("hello\n")
    output = tmp_path / "page.html"
    assert (
        ok("view", tmp_path / "my.model", tmp_path / "my.model", "--text", tmp_path / "a.txt", "--output", output)
        == b""
    )
    assert len(data_of(output.read_text(encoding="utf-8"))["models"]) == 2


def test_training_writes_its_report_as_a_page(ok, tmp_path):
    (tmp_path / "corpus.txt").write_text("the old clock\n" * 50)
    page = tmp_path / "report.html"
    sizes = ["--vocab-size", "260,270,280,290,300"]
    ok("train", tmp_path / "corpus.txt", *sizes, "--output", tmp_path / "my.model", "--report", page, "--quiet")
    data = data_of(page.read_text(encoding="utf-8"))
    assert len(data["models"]) == 4
    assert len(data["training"]["models"]) == 5


def test_command_opens_the_page(ok, byte_model, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    byte_model.save(tmp_path / "my.model")
    ok("view", tmp_path / "my.model", "--output", tmp_path / "page.html", "--open")
    assert opened == [(tmp_path / "page.html").as_uri()]


def test_errors_are_one_line(error, byte_model, tmp_path):
    byte_model.save(tmp_path / "my.model")
    assert "no.model" in error("view", tmp_path / "no.model", "--output", tmp_path / "page.html")
    assert "1 to 4" in error("view", *[tmp_path / "my.model"] * 5, "--output", tmp_path / "page.html")
    assert "none.txt" in error("view", tmp_path / "my.model", "--text", "none.txt", "--output", tmp_path / "page.html")
    missing = tmp_path / "none" / "page.html"
    assert "page.html" in error("view", tmp_path / "my.model", "--output", missing)
    assert [path.name for path in tmp_path.iterdir()] == ["my.model"]


def test_a_folder_is_no_page(error, byte_model, tmp_path):
    byte_model.save(tmp_path / "my.model")
    error("view", tmp_path / "my.model", "--output", tmp_path)

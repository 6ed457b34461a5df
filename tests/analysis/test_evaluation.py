"""Evaluation: the figures are those counted plainly from tokens of the reference, and the command prints them."""

import gzip
import json
import math
import re
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, CorpusError, Model, ModelFormatError, SettingsError, Tokenizer, evaluate
from bytepiece.analysis import batches, tally
from bytepiece.analysis.tables import evaluation_as_json, evaluations_as_text
from bytepiece.reference import Segmenter

TEXTS = st.lists(st.text("helo t你é\n\0🙂", max_size=30), min_size=1, max_size=12).filter(any)


def naive(model, texts):
    """The figures, one after the other, of the tokens that the reference cuts."""
    segmenter = Segmenter(dict(zip(model.pieces, model.counts, strict=True)))
    counts, places = Counter(), defaultdict(set)
    for number, text in enumerate(texts):
        for piece in segmenter.tokenize(text.encode()):
            counts[piece] += 1
            places[piece].add(number)
    tokens = counts.total()
    multiple = [piece for piece in model.pieces if len(piece) > 1]
    powers = sum((count / tokens) ** 2.5 for count in counts.values()) if tokens else math.nan
    entropy = math.log(powers) / (1 - 2.5)
    return {
        "documents": len(texts),
        "n_bytes": sum(len(text.encode()) for text in texts),
        "characters": sum(map(len, texts)),
        "tokens": tokens,
        "single_byte_tokens": sum(count for piece, count in counts.items() if len(piece) == 1),
        "pieces": len(multiple),
        "unused_pieces": sum(piece not in counts for piece in multiple),
        "one_document_pieces": sum(len(places[piece]) == 1 for piece in multiple),
        "renyi_efficiency": pytest.approx(entropy / math.log(len(counts)) if len(counts) > 1 else 0),
        "longest_pieces": tuple(sorted(counts, key=lambda piece: (-len(piece), piece))[:10]),
    }


def figures_of(found):
    return {name: getattr(found, name) for name in found.__dataclass_fields__}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of documents, one of them without any."""
    folder = tmp_path_factory.mktemp("corpus")
    lines = [{"text": "hello the\n\nhello"}, {"text": "你好 the"}, {"text": ""}, {"text": "é"}]
    (folder / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (folder / "b.txt.gz").write_bytes(gzip.compress("the llo\nhello 🙂\n".encode()))
    (folder / "c.txt").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def texts_of(folder):
    return {str(path): list(Corpus(path)) for path in sorted(folder.iterdir())}


# Figures.


@given(texts=TEXTS, batch_bytes=st.integers(1, 100), workers=st.integers(1, 3))
def test_figures_are_those_of_the_reference(byte_model, texts, batch_bytes, workers):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BATCH_BYTES", batch_bytes)
        found = evaluate(byte_model, texts, workers)
    assert figures_of(found.total) == naive(byte_model, texts)
    assert found.files == {}


@pytest.mark.parametrize("batch_bytes", [1, 2**20])
def test_of_each_file_and_of_all(byte_model, folder, texts_of, monkeypatch, batch_bytes):
    monkeypatch.setattr(batches, "BATCH_BYTES", batch_bytes)
    found = evaluate(byte_model, Corpus(folder))
    assert [*found.files] == [*texts_of]
    for path, texts in texts_of.items():
        if any(texts):
            assert figures_of(found.files[path]) == naive(byte_model, texts)
    assert figures_of(found.total) == naive(byte_model, [text for texts in texts_of.values() for text in texts])


def test_a_piece_that_two_files_have_is_in_two_documents(byte_model, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("hellohello")
    found = evaluate(byte_model, Corpus(tmp_path))
    assert [figures.one_document_pieces for figures in found.files.values()] == [2, 2]
    assert found.total.one_document_pieces == 0


def test_ratios(byte_model):
    total = evaluate(byte_model, ["hello 你好", "he"]).total
    assert (total.tokens, total.n_bytes, total.characters) == (5, 14, 10)  # he llo _ 你好 he
    assert total.bytes_per_token == 14 / 5
    assert total.characters_per_token == 10 / 5
    assert total.tokens_per_document == 5 / 2
    assert total.single_byte_share == 1 / 5
    assert total.one_document_share == 2 / 3


def test_a_file_without_text_has_no_ratios(byte_model, folder):
    figures = evaluate(byte_model, Corpus(folder)).files[str(folder / "c.txt")]
    assert (figures.documents, figures.tokens, figures.longest_pieces) == (0, 0, ())
    assert figures.unused_pieces == figures.pieces
    for name in ("bytes_per_token", "characters_per_token", "tokens_per_document", "one_document_share"):
        assert math.isnan(getattr(figures, name))
    assert math.isnan(figures.renyi_efficiency)


def test_renyi_efficiency_is_that_of_the_authors(monkeypatch):
    """The first example of their package, tokenization-scorer, where the figure is that of order 3."""
    monkeypatch.setattr(tally, "RENYI_ORDER", 3)
    tokens = {"pick": 3, "@@ed": 2, "@@l": 1, "@@les": 1}
    model = Model.from_counts(dict.fromkeys(tokens, 100))
    total = evaluate(model, ["".join(token * count for token, count in tokens.items())]).total
    assert total.tokens == 7
    assert total.renyi_efficiency == pytest.approx(0.8031528501359657)


def test_tokens_of_one_kind_have_no_entropy(byte_model):
    assert evaluate(byte_model, ["x" * 9]).total.renyi_efficiency == 0
    assert evaluate(byte_model, ["xy" * 9]).total.renyi_efficiency == pytest.approx(1)


def test_lengths_are_those_before_normalization():
    model = Model.from_counts({"é": 9}, {"normalization": "nfc"})
    total = evaluate(model, ["e\u0301e\u0301"]).total
    assert (total.tokens, total.characters, total.n_bytes) == (2, 4, 6)


def test_special_tokens_are_plain_text(byte_model):
    model = byte_model.with_special_tokens(["<sep>"])
    assert figures_of(evaluate(model, ["a<sep><bos>"]).total) == naive(byte_model, ["a<sep><bos>"])


def test_a_model_comes_in_three_forms(byte_model, tmp_path):
    byte_model.save(tmp_path / "m")
    forms = [byte_model, Tokenizer(byte_model), tmp_path / "m", str(tmp_path / "m")]
    assert len({evaluate(form, ["hello the"]).total for form in forms}) == 1


def test_a_corpus_is_read_once(byte_model):
    texts = iter(["hello", "the"])
    assert evaluate(byte_model, texts).total.documents == 2


@pytest.mark.slow
def test_documents_are_not_gathered(byte_model):
    """No more of them are in memory than make a batch."""
    alive = 0

    class Text(str):
        __slots__ = ()

        def __del__(self):
            nonlocal alive
            alive -= 1

    most = 0

    def texts():
        nonlocal alive, most
        for _ in range(50):
            alive += 1
            most = max(most, alive)
            yield Text("hello " * 100_000)

    assert evaluate(byte_model, texts(), 1).total.documents == 50
    assert most <= 9


# Errors.


@pytest.mark.parametrize("texts", [[], [""], ["", ""]], ids=repr)
def test_no_text_is_an_error(byte_model, texts):
    with pytest.raises(CorpusError, match="no text to evaluate on"):
        evaluate(byte_model, texts)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ("text", "an iterable of str, not str"),
        (b"text", "an iterable of str, not bytes"),
        (7, "an iterable of str, not int"),
        (["a", b"b"], r"text 1 \(from 0\) must be str, not bytes"),
        (["a", None], r"text 1 \(from 0\) must be str, not NoneType"),
        (["a", "b\ud800"], r"text 1 \(from 0\): lone surrogate U\+D800 at character 1"),
    ],
    ids=repr,
)
def test_no_texts_are_an_error(byte_model, texts, says):
    with pytest.raises(CorpusError, match=says):
        evaluate(byte_model, texts)


@pytest.mark.parametrize("workers", [0, -1, True, "2"])
def test_workers_are_checked(byte_model, workers):
    with pytest.raises(SettingsError, match="workers"):
        evaluate(byte_model, ["a"], workers)


def test_a_bad_model_is_an_error(tmp_path):
    (tmp_path / "m").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelFormatError):
        evaluate(tmp_path / "m", ["a"])


# Shown.


def test_json_has_everything(byte_model, folder):
    found = evaluate(byte_model, Corpus(folder))
    shown = json.loads(json.dumps(evaluation_as_json(found), allow_nan=False))
    assert [*shown] == ["all", "files"]
    assert [file["file"] for file in shown["files"]] == [*found.files]
    ratios = {
        "bytes_per_token",
        "characters_per_token",
        "tokens_per_document",
        "single_byte_share",
        "one_document_share",
    }
    assert {*shown["all"]} == {*figures_of(found.total)} | ratios
    for figures, shown_figures in zip(
        [found.total, *found.files.values()], [shown["all"], *shown["files"]], strict=True
    ):
        for name in {*shown_figures} - {"file", "longest_pieces"}:
            value = getattr(figures, name)
            assert shown_figures[name] == (None if math.isnan(value) else value)
    assert shown["files"][0]["longest_pieces"][:5] == ["你好", " the", "llo", "\\n\\n", "he"]
    assert shown["files"][2]["bytes_per_token"] is None


def test_a_table_has_a_line_for_each_file(byte_model, folder):
    found = evaluate(byte_model, Corpus(folder))
    head, *lines, longest = evaluations_as_text([("my.model", found)]).splitlines()
    names = [line.split()[-1] for line in lines]
    assert head.split()[-1] == "file"
    assert names == [*found.files, "all"]
    total = found.total
    assert lines[-1].split()[:4] == [
        str(total.documents),
        str(total.n_bytes),
        str(total.tokens),
        f"{total.bytes_per_token:.3f}",
    ]
    assert lines[2].split()[3] == "-"
    assert longest.startswith("longest pieces:\t你好\t the\t")
    assert len({re.search(r"\S+$", line).start() for line in [head, *lines]}) == 1  # names begin in one column


def test_a_table_of_two_has_the_ratio(byte_model):
    other = Model.from_counts({"hello": 5})
    first, second = (evaluate(model, ["hello hello"]) for model in (byte_model, other))
    assert (first.total.tokens, second.total.tokens) == (5, 3)
    head, one, two, *_ = evaluations_as_text([("one", first), ("two", second)]).splitlines()
    assert head.split()[-2:] == ["ratio", "file"]
    assert one.endswith("  1.000  all by one")
    assert two.endswith("  1.667  all by two")


def test_names_stay_in_their_line(byte_model):
    found = evaluate(byte_model, ["hello"])
    assert len(evaluations_as_text([("two\nlines", found), ("\udcff", found)]).splitlines()) == 5


# The command.


@pytest.fixture
def model_path(tmp_path, byte_model):
    byte_model.save(tmp_path / "my.model")
    return str(tmp_path / "my.model")


@pytest.fixture
def run(run):
    """Run ``bytepiece evaluate`` in this process: status, standard output and standard error."""

    def evaluate(*arguments):
        status, out, err = run("evaluate", *arguments)
        return status, out.decode(), err

    return evaluate


def test_the_command_prints_the_table(run, model_path, byte_model, folder):
    files = sorted(folder.iterdir())
    expected = evaluations_as_text([(model_path, evaluate(byte_model, Corpus(files)))])
    assert run("--model", model_path, *files) == (0, expected, "")
    assert run("--model", model_path, "--workers", 2, folder) == (0, expected, "")


def test_the_command_writes_json(run, model_path, byte_model, folder, tmp_path):
    expected = {"models": [{"model": model_path, **evaluation_as_json(evaluate(byte_model, Corpus(folder)))}]}
    assert run("--model", model_path, "--json", "--output", tmp_path / "out.json", folder) == (0, "", "")
    assert json.loads((tmp_path / "out.json").read_bytes()) == expected


def test_the_command_compares(run, model_path, byte_model, folder, tmp_path):
    other = Model.from_counts({"hello": 5})
    other.save(tmp_path / "other.model")
    both = [(model_path, byte_model), (str(tmp_path / "other.model"), other)]
    evaluations = [(path, evaluate(model, Corpus(folder))) for path, model in both]
    arguments = ["--model", model_path, "--model", tmp_path / "other.model", folder]
    assert run(*arguments) == (0, evaluations_as_text(evaluations), "")
    status, out, err = run(*arguments, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["models"] == [{"model": path, **evaluation_as_json(each)} for path, each in evaluations]


def test_the_command_takes_another_field(run, model_path, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"body": "hello"}\n')
    status, out, _ = run("--model", model_path, "--json", "--text-field", "body", tmp_path / "a.jsonl")
    assert (status, json.loads(out)["models"][0]["all"]["tokens"]) == (0, 2)


def test_the_command_takes_a_sample(run, model_path, byte_model, tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"hello {k}\n" for k in range(1000)))
    arguments = ["--model", model_path, "--json", "--sample-bytes", "2K", "--seed", "7", tmp_path / "a.txt"]
    sample = Corpus(tmp_path / "a.txt", sample_bytes=2048, seed=7)
    status, out, _ = run(*arguments)
    assert status == 0
    assert json.loads(out)["models"][0]["all"] == evaluation_as_json(evaluate(byte_model, sample))["all"]


def test_the_command_skips(run, model_path, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"hello\n\xff\nthe\n")
    status, out, err = run("--model", model_path, tmp_path / "a.txt")
    assert (status, out) == (1, "")
    assert re.fullmatch(r"bytepiece evaluate: .*a.txt, line 2: not UTF-8.*\n", err)
    status, out, err = run("--model", model_path, "--json", "--on-error", "skip", tmp_path / "a.txt")
    assert (status, json.loads(out)["models"][0]["all"]["documents"]) == (0, 2)
    assert re.fullmatch(r"bytepiece evaluate: skipped 1 documents.*line 2.*\n", err)


@pytest.mark.parametrize(
    ("name", "says"),
    [("nothing.txt", "nothing.txt: No such file"), ("empty.txt", "no text to evaluate on"), ("-", "standard input")],
)
def test_an_invalid_corpus_is_an_error(run, model_path, tmp_path, monkeypatch, name, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").touch()
    status, out, err = run("--model", model_path, name)
    assert (status, out) == (1, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("number", [0, 1])
def test_a_missing_model_is_an_error_before_anything_is_read(run, model_path, tmp_path, number):
    models = [model_path, model_path]
    models[number] = tmp_path / "nothing.model"
    status, out, err = run("--model", models[0], "--model", models[1], tmp_path / "nothing.txt")
    assert (status, out) == (1, "")
    assert re.fullmatch(r"bytepiece evaluate: .*nothing.model: No such file or directory\n", err)


@pytest.mark.parametrize(("arguments", "says"), [([], "INPUT"), (["a.txt"], "--model"), (["--model"], "--model")])
def test_wrong_usage(run, arguments, says):
    status, _, err = run(*arguments)
    assert status == 2
    assert says in err

"""Examples of docstrings, ``--help`` and documents run; the files that documents name exist."""

import doctest
import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import bytepiece
import bytepiece.analysis.comparison
import bytepiece.analysis.inspection
from bytepiece import Model
from bytepiece.cli.main import main
from bytepiece.text.display import unescape_piece
from helpers.processes import needs_bash

ROOT = Path(__file__).parents[1]
CORPORA = ROOT / "corpora"
README = ROOT / "README.md"
needs_corpora = pytest.mark.skipif(
    not CORPORA.is_dir(), reason="needs corpora/, which is beside the tests in a checkout"
)
VERBS = [
    "train",
    "count",
    "sample",
    "merge",
    "finish",
    "encode",
    "tokenize",
    "decode",
    "vocab",
    "inspect",
    "compare",
    "evaluate",
    "bench",
    "view",
    "convert",
    "shards",
]  # in an order in which their examples can run


def docstrings_with_examples():
    modules = [bytepiece]
    for info in pkgutil.walk_packages(bytepiece.__path__, "bytepiece."):
        with suppress(bytepiece.OptionalDependencyError):
            modules.append(importlib.import_module(info.name))
    return [test for module in modules for test in doctest.DocTestFinder().find(module) if test.examples]


DOCSTRINGS = docstrings_with_examples()


@pytest.mark.parametrize("test", DOCSTRINGS, ids=lambda test: test.name)
def test_docstring(test):
    if "arrow" in test.name:
        pytest.importorskip("pyarrow")
    report = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert result.failed == 0, "".join(report)


CLASSES = [bytepiece.Model, bytepiece.StreamDecoder, bytepiece.Tokenizer, bytepiece.Trainer]
PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (bytepiece, bytepiece.exchange, bytepiece.analysis.comparison, bytepiece.analysis.inspection)
    for name in module.__all__
    if callable(getattr(module, name))
} | {
    f"{owner.__name__}.{name}": member
    for owner in CLASSES
    for name, member in inspect.getmembers(owner)
    if not name.startswith("_")
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_described(name):
    assert len(inspect.getdoc(PUBLIC[name])) > 10


# What errors and results are is shown by what raises and returns them.
SHOWN_ELSEWHERE = ("Error", "Encoding", "Evaluation", "Figures", "PieceProblem")


@pytest.mark.parametrize("name", [name for name in PUBLIC if not name.endswith(SHOWN_ELSEWHERE)])
def test_public_names_have_an_example(name):
    if not isinstance(PUBLIC[name], property):
        assert ">>> " in inspect.getdoc(PUBLIC[name])


def example_of(verb, capsys):
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    (example,) = re.findall(r"^example:\n  (bytepiece .*)$", capsys.readouterr().out, re.MULTILINE)
    return example


class TestHelp:
    @pytest.mark.parametrize("verb", VERBS)
    def test_each_verb_has_an_example_of_itself(self, verb, capsys):
        assert f"bytepiece {verb} " in example_of(verb, capsys)

    def test_there_are_no_other_verbs(self, capsys):
        with pytest.raises(SystemExit):
            main(["--help"])
        described = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
        assert sorted(described) == sorted(VERBS)


PAGES = [README, *sorted(ROOT.glob("docs/*.md"))]


@pytest.fixture(scope="module")
def example_folder(tmp_path_factory):
    """A folder with ``corpora``, and with a command ``bytepiece`` of this very Python in ``bin``."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(CORPORA, folder / "corpora")
    (folder / "bin").mkdir()
    command = folder / "bin" / "bytepiece"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bytepiece "$@"\n')
    command.chmod(0o755)
    return folder


def environment_of(folder):
    paths = [str(Path(bytepiece.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


RUN_PAGE = """
import subprocess, sys

def sh(script):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

with open(sys.argv[1], encoding="utf-8") as file:
    exec(compile(file.read(), sys.argv[1], "exec"), {"sh": sh})
"""


BLOCK = re.compile(r"^(?:<!-- (command|needs): ([\w, ]+) -->\n)?```(python|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def script_of(page, needs=None):
    """The ``python`` and ``sh`` blocks of a page as one script, in which each line has the number it has on the page.

    Blocks that ``command:`` marks are left out: they install the package. So are those that ``needs:`` marks, as they
    need libraries of others; but those that need just these ``needs`` are not.
    """
    text = page.read_text(encoding="utf-8")
    lines = [""] * text.count("\n")
    for block in BLOCK.finditer(text):
        mark, value, language, code = block.groups()
        first = text.count("\n", 0, block.start(4))
        if mark == "command" or (mark == "needs" and value != needs):
            continue
        if language == "python":
            lines[first : first + code.count("\n")] = code.splitlines()
        else:
            lines[first] = f"sh({code!r})"
    return "\n".join(lines)


@needs_corpora
@needs_bash
@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_of_a_page_run(page, example_folder, tmp_path):
    shutil.copytree(example_folder, tmp_path, dirs_exist_ok=True)
    script = tmp_path / page.name
    script.write_text(script_of(page), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN_PAGE, script],
        cwd=tmp_path,
        env=environment_of(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert (done.returncode, done.stdout) == (0, "")


NEEDS = [
    pytest.param(page, needs, id=f"{page.name}-{needs}")
    for page in PAGES
    for needs in dict.fromkeys(block[2] for block in BLOCK.finditer(page.read_text("utf-8")) if block[1] == "needs")
]


@needs_corpora
@needs_bash
@pytest.mark.slow
@pytest.mark.parametrize(("page", "needs"), NEEDS)
def test_examples_that_need_libraries_run(page, needs, example_folder, tmp_path):
    for name in needs.split(", "):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}")
    shutil.copytree(example_folder, tmp_path, dirs_exist_ok=True)
    script = tmp_path / page.name
    script.write_text(script_of(page, needs), encoding="utf-8")
    command = [sys.executable, "-c", RUN_PAGE, script]
    done = subprocess.run(command, cwd=tmp_path, env=environment_of(tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


needs_checkout = pytest.mark.skipif(not (ROOT / ".ci").is_dir(), reason="needs a checkout")
PLACES = re.compile(r"(?<![\w/.-])(?:bytepiece|tests|docs|corpora|benchmarks|\.ci)/[\w./-]*[\w/]")
LINKS = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
DOCUMENTS += sorted(path for folder in ("docs", "benchmarks", "corpora") for path in ROOT.glob(f"{folder}/*.md"))


def anchors_of(page):
    """Of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@needs_checkout
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
class TestPlaces:
    """What documents name is there."""

    def test_paths_exist(self, document):
        named = PLACES.findall(document.read_text(encoding="utf-8"))
        assert [path for path in named if not (ROOT / path).exists()] == []

    def test_links_lead_somewhere(self, document):
        for path, anchor in LINKS.findall(document.read_text(encoding="utf-8")):
            target = document.parent / path if path else document
            assert target.exists(), path
            assert not anchor or anchor[1:] in anchors_of(target), anchor


@needs_checkout
@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_job_arrays_say_their_number_of_parts(path):
    """Slurm counts the jobs that are submitted: of one that is submitted again, it is 1."""
    assert "SLURM_ARRAY_TASK_COUNT" not in path.read_text(encoding="utf-8")


@needs_checkout
def test_names_beside_a_file_are_in_it():
    """In rows of tables with one file, such as the journeys in CONTRIBUTING.md."""
    missing = []
    for document in DOCUMENTS:
        for row in re.findall(r"^\|.*\|$", document.read_text(encoding="utf-8"), re.MULTILINE):
            files = [ROOT / path for path in PLACES.findall(row) if (ROOT / path).is_file()]
            if len(files) == 1:
                source = files[0].read_text(encoding="utf-8")
                names = re.findall(r"`([A-Za-z_]\w*)`", row)
                missing += [(row, name) for name in names if not re.search(rf"\b{name}\b", source)]
    assert missing == []


@needs_checkout
def test_constants_that_trials_change_exist():
    trials = (ROOT / "benchmarks" / "compression.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in ROOT.glob("bytepiece/training/refinement/*.py")]
    defined = re.findall(r"^([A-Z_, ]+) = ", "\n".join(sources), re.MULTILINE)
    assert set(re.findall(r"(?<!\n)\b([A-Z_]{5,})=", trials)) <= {
        name for names in defined for name in names.split(", ")
    }


@needs_corpora
@needs_bash
@pytest.mark.slow
class TestHelpExamplesRun:
    """One after the other, in a folder that has ``corpora``, with a command ``bytepiece`` of this very Python."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, example_folder):
        return example_folder

    @pytest.fixture(scope="class")
    @classmethod
    def outputs(cls, folder):
        return {}

    @pytest.fixture
    def output(self, request, folder, outputs, capsys):
        """The standard output of a verb's example; those before it have run."""
        environment = environment_of(folder)
        for verb in VERBS[: VERBS.index(request.param) + 1]:
            if verb not in outputs:
                command = ["bash", "-e", "-o", "pipefail", "-c", example_of(verb, capsys)]
                done = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
                assert done.returncode == 0, done.stderr
                assert done.stderr == b"" or verb in ("train", "shards")  # which sum up
                outputs[verb] = done.stdout
        return outputs[request.param]

    @pytest.mark.parametrize("output", ["train"], indirect=True)
    def test_train(self, output, folder):
        assert output == b""
        assert Model.load(folder / "my.model").vocab_size > 1000

    @pytest.mark.parametrize("output", ["encode"], indirect=True)
    def test_encode(self, output):
        english = (CORPORA / "english.txt").read_bytes()
        assert re.fullmatch(rb"(\d+( \d+)*\n)+", output)
        assert output.count(b"\n") == len(english.splitlines())

    @pytest.mark.parametrize("output", ["tokenize"], indirect=True)
    def test_tokenize(self, output):
        pieces = output.replace(b"\n", b"\t").split(b"\t")
        assert b"".join(map(unescape_piece, pieces)) == (CORPORA / "chinese.txt").read_bytes()

    @pytest.mark.parametrize("output", ["decode"], indirect=True)
    def test_decode(self, output):
        assert output == (CORPORA / "english.txt").read_bytes()

    @pytest.mark.parametrize("output", ["vocab"], indirect=True)
    def test_vocab(self, output, folder):
        assert output.count(b"\n") == Model.load(folder / "my.model").vocab_size

    @pytest.mark.parametrize("output", ["inspect"], indirect=True)
    def test_inspect(self, output, folder):
        assert output.startswith(b"ids: %d\n" % Model.load(folder / "my.model").vocab_size)

    @pytest.mark.parametrize("output", ["compare"], indirect=True)
    def test_compare(self, output):
        assert b"tokens_of_second_for_one_of_first: 1.0\n" in output

    @pytest.mark.parametrize("output", ["evaluate"], indirect=True)
    def test_evaluate(self, output):
        lines = output.decode().splitlines()
        assert [line.split()[-1] for line in lines[:4]] == [
            "file",
            "corpora/english.txt",
            "corpora/chinese.txt",
            "all",
        ]

    @pytest.mark.parametrize("output", ["bench"], indirect=True)
    def test_bench(self, output):
        assert re.search(r"^\| this project +\|( +\d+\.\d\d \|){2}", output.decode(), re.MULTILINE)

    @pytest.mark.parametrize("output", ["convert"], indirect=True)
    def test_convert(self, output, folder):
        assert output == b""
        names = {path.name for path in (folder / "my_tokenizer").iterdir()}
        assert names == {"tokenizer.json", "tokenizer_config.json"}

"""The arrows of the house: who imports whom. And its measures: no file, function or call that is too long."""

import ast
import re
import subprocess
import sys
import sysconfig
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import bytepiece

CHECKOUT = Path(__file__).parents[1] / "bytepiece"
PACKAGE = CHECKOUT if CHECKOUT.is_dir() else Path(bytepiece.__file__).parent

# The files of each module: its source and its Cython header. Of a wheel, Cython modules have no source but a stub.
SOURCES = defaultdict(list)
for path in sorted(PACKAGE.rglob("*.p*")):
    if path.suffix in (".py", ".pyx", ".pxd", ".pyi"):
        name = ".".join(["bytepiece", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        SOURCES[name] += [path] if path.suffix != ".pyi" else []

# What every room may import.
SHARED = {"bars", "errors", "files", "memory", "nesting", "sizes", "version", "workers"}
# What else each room may import.
MAY_IMPORT = {
    "core": "",
    "text": "core",
    "model": "core text",
    "corpus": "core text",
    "engines": "",
    "encoding": "core text model corpus",
    "tokenizer": "text model encoding",
    "training": "core text model engines",
    "exchange": "core text model training",
    "huggingface": "core text model encoding training exchange",
    "shards": "core text model corpus engines encoding tokenizer",
    "bench": "text model corpus exchange",
    "analysis": "text model corpus exchange tokenizer",
    "viewer": "core text model corpus encoding exchange tokenizer analysis",
}
ROOMS = {name: {*others.split()} for name, others in MAY_IMPORT.items()}
INSIDE = {*ROOMS, *SHARED}
ROOMS |= {name: {"errors"} for name in SHARED}  # and of these, no more
ROOMS |= {"": INSIDE - {"bench", "huggingface"}, "cli": INSIDE | {""}, "__main__": {"cli"}, "reference": set()}
CONTRIBUTING = CHECKOUT.parent / "CONTRIBUTING.md"


def room(module):
    """The part of the house a module belongs to: ``training`` is one room."""
    return module.removeprefix("bytepiece").removeprefix(".").partition(".")[0]


def nodes(tree):
    """The nodes of a tree that are in no expression: few of all, and every import is one."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.expr):
            yield node
            yield from nodes(node)


def names_imported(path):
    """Every dotted name that a source imports; of ``from a import b`` both ``a`` and ``a.b``."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        for match in re.finditer(r"^\s*from +([\w.]+) +c?import +\(?([\w, *]+)", source, re.MULTILINE):
            yield match[1]
            yield from (f"{match[1]}.{name.split()[0]}" for name in match[2].split(",") if name.strip())
        for match in re.finditer(r"^\s*c?import +([\w., ]+)", source, re.MULTILINE):
            yield from (name.split()[0] for name in match[1].split(","))
        return
    for node in nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides its arrow"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


IMPORTED = {module: {name for path in paths for name in names_imported(path)} for module, paths in SOURCES.items()}


def arrows(module):
    """The modules of this package that a module imports."""
    names = IMPORTED[module]
    found = {name for name in names if name in SOURCES and name != module}
    # `from bytepiece import formats` is an arrow to formats, not to the public names; `import Model` is one to these.
    if not any(name.count(".") == 1 and name.startswith("bytepiece.") and name not in SOURCES for name in names):
        found.discard("bytepiece")
    return found


ARROWS = {module: arrows(module) for module in SOURCES}
INNER = sorted(set(SOURCES) - {"bytepiece.reference"})


class TestTheReading:
    """That the rules below see what they are about."""

    @pytest.mark.parametrize(
        ("module", "imported"),
        [
            ("bytepiece.cli.main", "bytepiece"),
            ("bytepiece.model.model", "bytepiece.model.formats"),
            ("bytepiece.encoding.encoder", "bytepiece.core.segment"),
            ("bytepiece.training.trainer", "bytepiece.model.model"),
            ("bytepiece.training.pruning.vocabularies", "bytepiece.core.automaton"),
        ],
    )
    def test_finds_imports(self, module, imported):
        assert imported in ARROWS[module]

    @pytest.mark.skipif(not any(PACKAGE.rglob("*.pyx")), reason="needs the .pyx sources, which wheels leave out")
    def test_finds_cimports(self):
        assert "bytepiece.core.automaton" in ARROWS["bytepiece.core.segment"]


class TestArrows:
    @pytest.mark.parametrize("module", INNER)
    def test_go_where_they_may(self, module):
        assert room(module) in ROOMS, "a new room: say in MAY_IMPORT what it may import"
        allowed = ROOMS[room(module)] | {room(module)} | (SHARED if room(module) not in SHARED else set())
        assert {other for other in ARROWS[module] if room(other) not in allowed} == set()

    @pytest.mark.skipif(not CONTRIBUTING.is_file(), reason="needs a checkout")
    def test_are_those_of_the_documents(self):
        rows = re.findall(
            r"^\| `bytepiece/(\w+)(?:/|\.py)` \|.*\| ([\w, ]*)\|$", CONTRIBUTING.read_text(), re.MULTILINE
        )
        told = {name: {*cell.replace(",", "").split()} for name, cell in rows if cell.strip() != "everything"}
        assert told == {name: {*others.split()} for name, others in MAY_IMPORT.items()} | {"reference": {"nothing"}}

    def test_make_no_circle(self):
        order = list(TopologicalSorter(ARROWS).static_order())
        assert order.index("bytepiece.errors") < order.index("bytepiece.cli.main")

    def test_the_reference_imports_nothing_of_the_package(self):
        assert ARROWS["bytepiece.reference"] == set()

    def test_nothing_imports_the_reference(self):
        assert not any("bytepiece.reference" in ARROWS[module] for module in SOURCES)

    def test_only_the_command_imports_the_public_names(self):
        assert {room(module) for module in SOURCES if "bytepiece" in ARROWS[module]} <= {"cli"}

    def test_only_the_reference_imports_pyahocorasick(self):
        assert {module for module in SOURCES if "ahocorasick" in IMPORTED[module]} <= {"bytepiece.reference"}


FILES = sorted(path for path in PACKAGE.rglob("*.p*") if path.suffix in (".py", ".pyx", ".pxd", ".pyi"))


def files_measured(*endings):
    return [pytest.param(path, id=path.relative_to(PACKAGE).as_posix()) for path in FILES if path.suffix in endings]


def functions(source):
    """Each function of a Python or Cython source with its lines of code: no docstring, comment or empty line."""
    source = re.sub(r'^ *r?"""[\s\S]*?"""$', "", source, flags=re.MULTILINE)
    lines = [line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")]
    indents = [len(line) - len(line.lstrip()) for line in lines]
    for first, line in enumerate(lines):
        name = re.match(r" *(?:async +)?(?:def|cdef|cpdef)\b[^(=]*?(\w+)\(", line)
        if name:
            last = first
            while last + 1 < len(lines) and (
                indents[last + 1] > indents[first] or lines[last + 1].strip().startswith(")")
            ):
                last += 1
            yield name[1], last - first + 1


def parameters(source):
    """Each function of a Python source with the number of its parameters, without ``self`` or ``cls``.

    The calls that users make are left out: constructors and methods of the classes in `bytepiece.__all__`.
    """
    tree = ast.parse(source)
    methods = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods |= {each: node.name for each in node.body if isinstance(each, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            owner = methods.get(node)
            is_static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list)
            names = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if owner not in bytepiece.__all__ or (node.name.startswith("_") and node.name != "__init__"):
                yield node.name, len(names) - (owner is not None and not is_static)


class TestMeasures:
    """Nothing is too long to be read in one go."""

    @pytest.mark.parametrize("path", files_measured(".py", ".pyx", ".pxd", ".pyi"))
    def test_of_files(self, path):
        assert path.read_text(encoding="utf-8").count("\n") <= (800 if path.suffix == ".pyx" else 500)

    @pytest.mark.parametrize("path", files_measured(".py", ".pyx", ".pxd"))
    def test_of_functions(self, path):
        sizes = functions(path.read_text(encoding="utf-8"))
        assert {name: size for name, size in sizes if size > 80} == {}

    @pytest.mark.parametrize("path", files_measured(".py", ".pyi"))
    def test_of_calls(self, path):
        numbers = parameters(path.read_text(encoding="utf-8"))
        assert {name: number for name, number in numbers if number > 8} == {}

    def test_they_see_functions(self):
        source = "cdef int f(\n    int a,\n) nogil:\n    # why\n    return 1\n\ndef g(a, *, b):\n    return 2\n"
        assert dict(functions(source)) == {"f": 4, "g": 2}
        assert dict(parameters("class A:\n    def g(self, a, *, b):\n        pass\n")) == {"g": 2}


class TestImporting:
    @pytest.mark.slow
    @pytest.mark.parametrize("module", ["bytepiece.cli.main", "bytepiece"])
    def test_no_optional_dependency(self, module):
        code = f"import sys, {module}; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        optional = {
            "ahocorasick",
            "fsspec",
            "ray",
            "pyarrow",
            "zstandard",
            "pandas",
            "sentencepiece",
            "tokenizers",
            "torch",
        }
        assert optional & set(done.stdout.split()) == set()

    @pytest.mark.slow
    def test_prints_nothing(self):
        done = subprocess.run([sys.executable, "-W", "error", "-c", "import bytepiece"], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    @pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="needs a free-threaded Python")
    def test_switches_on_no_global_lock(self):
        code = "import sys, bytepiece; print(sys._is_gil_enabled())"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"

    @pytest.mark.parametrize("name", bytepiece.__all__)
    def test_public_names_are_there(self, name):
        assert hasattr(bytepiece, name)

    @pytest.mark.parametrize("name", ["Model", "Tokenizer", "Trainer", "Corpus", "BytePieceError", "__version__"])
    def test_names_that_users_count_on(self, name):
        assert name in bytepiece.__all__

"""Fuzzing with Atheris, which is guided by what is reached in Python and in the kernels.

    CC=clang BYTEPIECE_BUILD=fuzz python setup.py -q build_ext --inplace --force
    LD_PRELOAD=$(python -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so ASAN_OPTIONS=detect_leaks=0 \
        python tests/fuzz/run.py TARGET [FOLDER] [flags of libFuzzer, such as -max_total_time=60 or -runs=1000000]

An input that finds something is written to the working folder as ``crash-...``: make it small, and put it into
``tests/fuzz/found/TARGET``, from where the tests replay it.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[1])]

with atheris.instrument_imports(include=["bytepiece"]):
    from fuzz.seeds import seeds
    from fuzz.targets import TARGETS


def main() -> None:
    name, *arguments = sys.argv[1:]
    folder = Path(arguments.pop(0) if arguments and not arguments[0].startswith("-") else tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()[name]):
        (folder / f"seed-{number}").write_bytes(seed)
    # An archive of a few bytes may claim a dictionary of 4 GB. That is only room: what counts is resident memory.
    limits = ["-max_len=512", "-malloc_limit_mb=5000"]
    atheris.Setup([sys.argv[0], str(folder), *limits, *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

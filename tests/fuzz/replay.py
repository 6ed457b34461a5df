"""Each target with the inputs where fuzzing begins, and with those of a folder, as `.ci/fuzz` keeps them.

python tests/fuzz/replay.py [FOLDER]
"""

import sys
from pathlib import Path

from fuzz.seeds import seeds
from fuzz.targets import TARGETS


def main() -> None:
    more = {folder.name: folder for folder in Path(sys.argv[1]).iterdir()} if sys.argv[1:] else {}
    beginnings = seeds()
    for name, target in TARGETS.items():
        inputs = beginnings[name]
        if name in more:
            inputs += [path.read_bytes() for path in sorted(more[name].iterdir())]
        for data in inputs:
            target(data)
        print(f"{name}: {len(inputs)} inputs")


if __name__ == "__main__":
    main()

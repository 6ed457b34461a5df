"""Mix corpora: documents of each in proportion to its weight, up to a number of bytes of text."""

from __future__ import annotations

import argparse
import json

from texts import documents


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} The next document always comes from the corpus that has given the least text for its "
        "weight so far. A corpus that is used up drops out. So each mix is the beginning of every larger mix."
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS=WEIGHT", help="a .jsonl file, also .xz or .gz")
    parser.add_argument("--megabytes", type=float, required=True, metavar="N", help="of text, 10^6 bytes each")
    parser.add_argument("--output", required=True, metavar="PATH", help="a .jsonl file")
    options = parser.parse_args()

    sources = []  # bytes taken, weight, documents
    for corpus in options.corpora:
        path, _, weight = corpus.rpartition("=")
        sources.append([0, float(weight), iter(documents(path))])
    room = options.megabytes * 1e6
    with open(options.output, "w", encoding="utf-8", newline="\n") as file:
        while sources:
            source = min(sources, key=lambda source: source[0] / source[1])
            text = next(source[2], None)
            if text is None:
                sources.remove(source)
                continue
            size = len(text.encode())
            if size > room:
                break
            room -= size
            source[0] += size
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

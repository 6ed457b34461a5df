"""Documents of a file read one by one by Python alone: what reading in blocks must give."""

import sys
from itertools import count

from bytepiece.corpus.compression import DAMAGED, first_line, open_input, skip_line
from bytepiece.corpus.fields import decode_text, parse_json_line, text_of_row, too_long
from bytepiece.corpus.kinds import is_jsonl
from bytepiece.corpus.parquet import text_columns
from bytepiece.errors import CorpusError


def documents(path, failed, part=None, longest=None):
    read = _rows if path.endswith(".parquet") else _lines
    return read(path, failed, part, longest)


def _rows(path, failed, part, longest):
    for first, column in text_columns(path, "text", failed, lambda n_bytes: None, 1024, part):
        for row, text in enumerate(column.to_pylist(), first):
            try:
                yield text_of_row(text, "text", longest)
            except ValueError as error:
                failed(CorpusError(f"{path}, row {row} (from 0): {error}"))


def _lines(path, failed, part, longest):
    where = f" from byte {part[0]} on" if part and part[0] else ""
    with open_input(path) as file:
        for number, line in zip(count(1), _read_lines(file, path, failed, part, longest), strict=False):
            try:
                if line is None:
                    raise ValueError(too_long(longest))
                yield parse_json_line(line, "text") if is_jsonl(path) else decode_text(line)
            except ValueError as error:
                failed(CorpusError(f"{path}, line {number}{where}: {error}"))


def _read_lines(file, path, failed, part, longest):
    """The lines that begin in a part; None in place of one that is too long."""
    begin, end = part or (0, None)
    number = 0
    try:
        position = first_line(file, begin, end)
        most = -1 if longest is None else min(longest, sys.maxsize - 1) + 1
        while (end is None or position < end) and (line := file.readline(most)):
            position += len(line)
            if longest is not None and len(line) > longest:
                position += 0 if line.endswith(b"\n") else skip_line(file)
                line = None
            yield line
            number += 1
    except DAMAGED as error:
        failed(CorpusError(f"{path}, after line {number}: damaged archive: {error}"))

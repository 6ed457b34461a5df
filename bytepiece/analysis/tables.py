"""What is found about models, as text and JSON for people and programs to read.

Pieces are escaped as by `bytepiece.text.display.escape_piece`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bytepiece.analysis.evaluation import Evaluation
from bytepiece.analysis.figures import Figures, ratio
from bytepiece.exchange import PieceProblem
from bytepiece.exchange.shared import in_id_order
from bytepiece.model.model import Model
from bytepiece.text.display import escape_piece

__all__ = [
    "evaluation_as_json",
    "evaluations_as_json",
    "evaluations_as_text",
    "problems_as_text",
    "report_as_text",
    "training_as_text",
    "vocabulary_as_text",
]


# Evaluations.

_RATIOS = ["bytes_per_token", "characters_per_token", "tokens_per_document", "single_byte_share", "one_document_share"]


def evaluations_as_json(evaluations: Sequence[tuple[str, Evaluation]]) -> str:
    """Evaluations, each with the name of its model, as a JSON object."""
    models = [{"model": model, **evaluation_as_json(evaluation)} for model, evaluation in evaluations]
    return json.dumps({"models": models}, indent=1, ensure_ascii=False) + "\n"


def evaluation_as_json(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as values that JSON can hold: ratios are among the figures, and ``nan`` is None."""
    files = [{"file": path, **_figures_as_json(figures)} for path, figures in evaluation.files.items()]
    return {"all": _figures_as_json(evaluation.total), "files": files}


def _figures_as_json(figures: Figures) -> dict[str, Any]:
    values = asdict(figures) | {name: getattr(figures, name) for name in _RATIOS}
    values = {name: None if value != value else value for name, value in values.items()}
    return values | {"longest_pieces": [*map(escape_piece, figures.longest_pieces)]}


def evaluations_as_text(evaluations: Sequence[tuple[str, Evaluation]]) -> str:
    """Evaluations of one corpus, each with the name of its model, as a table: a line for each file and model.

    With several models, the last column has the bytes per token divided by those of the first model.
    """
    several = len(evaluations) > 1
    first = evaluations[0][1]
    rows = [[*_HEADINGS, *(["ratio"] if several else [])]]
    names = ["file"]
    for file in [*first.files, None]:
        for model, evaluation in evaluations:
            figures, basis = ((each.total if file is None else each.files[file]) for each in (evaluation, first))
            compared = [_decimals(ratio(figures.bytes_per_token, basis.bytes_per_token))] if several else []
            rows.append([*_row(figures), *compared])
            name = "all" if file is None else _one_line(file)
            names.append(f"{name} by {_one_line(model)}" if several else name)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=True)), name])
        for row, name in zip(rows, names, strict=True)
    ]
    for model, evaluation in evaluations:
        pieces = "\t".join(map(escape_piece, evaluation.total.longest_pieces))
        lines.append(f"longest pieces{f' of {_one_line(model)}' if several else ''}:\t{pieces}")
    return "".join(f"{line}\n" for line in lines)


_HEADINGS = [
    "documents",
    "bytes",
    "tokens",
    "bytes/token",
    "chars/token",
    "tokens/doc",
    "1-byte %",
    "Rényi",
    "unused",
    "1-doc %",
]


def _row(figures: Figures) -> list[str]:
    return [
        str(figures.documents),
        str(figures.n_bytes),
        str(figures.tokens),
        _decimals(figures.bytes_per_token),
        _decimals(figures.characters_per_token),
        _decimals(figures.tokens_per_document, 1),
        _decimals(100 * figures.single_byte_share, 2),
        _decimals(figures.renyi_efficiency),
        str(figures.unused_pieces),
        _decimals(100 * figures.one_document_share, 2),
    ]


def _decimals(value: float, n: int = 3) -> str:
    return "-" if value != value else f"{value:.{n}f}"


def _one_line(path: str) -> str:
    return escape_piece(os.fsencode(path))


# Vocabularies.


def vocabulary_as_text(model: Model) -> str:
    """A line for each id: id, piece and count; for a special token its name and ``-``."""
    pieces = zip(model.pieces, map(str, model.counts), strict=True)
    entries = in_id_order(model, pieces, lambda name: (name.encode(), "-"))
    return "".join(f"{id}\t{escape_piece(piece)}\t{count}\n" for id, (piece, count) in enumerate(entries))


def problems_as_text(problems: Iterable[PieceProblem]) -> str:
    """A line for each problem: id, piece, count and reason."""
    return "".join(
        f"{problem.id}\t{escape_piece(problem.piece)}\t{problem.count}\t{problem.reason}\n" for problem in problems
    )


# Reports.


def training_as_text(report: Mapping[str, Any]) -> str:
    """The report of a training in one line; see `Trainer.report`."""
    parts = [f"{report['seconds']:.1f} s"]
    if "n_bytes" in report:
        parts.append(f"{report['n_bytes'] / 1e6:.1f} MB of text in {report['documents']} documents")
    rounds = report["refine_rounds"]
    refined = f"{rounds} round{'s' if rounds > 1 else ''} of refinement" if rounds else "not refined"
    parts.append(f"min_count {report['min_count']}, {refined}")
    if report["peak_memory"]:
        parts.append(f"peak memory {report['peak_memory'] / 1e6:.0f} MB")
    for size, model in report["models"].items():
        rate = f", {model['bytes_per_token']:.3f} bytes per token" if "bytes_per_token" in model else ""
        parts.append(f"vocabulary {size}: {model['pieces']} pieces{rate}")
    return "; ".join(parts)


def report_as_text(report: Mapping[str, Any]) -> str:
    """A report of `inspect_model` or `compare_models`: a line for each entry; those of a dict are below its name."""
    lines = []
    for name, value in report.items():
        if isinstance(value, dict):
            lines += [f"{name}:", *(f"  {_show(key)}: {_show(each)}" for key, each in value.items())]
        else:
            lines.append(f"{name}: {_show(value)}")
    return "".join(f"{line}\n" for line in lines)


def _show(value: object) -> str:
    """A value in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{_show(key)} {_show(each)}" for key, each in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return (" / " if isinstance(value, tuple) else ", ").join(map(_show, value)) or "none"
    if isinstance(value, bytes):
        return f'"{escape_piece(value)}"'
    return escape_piece(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else json.dumps(value)

"""The errors that callers can tell apart.

Every error of the package derives from `BytePieceError`. Errors about a wrong value are also `ValueError`, so that code
that does not know this package catches them too.
"""

from collections.abc import Collection

__all__ = [
    "BenchError",
    "BytePieceError",
    "CheckpointError",
    "CorpusError",
    "CountsFormatError",
    "DisallowedSpecialError",
    "EngineError",
    "ExportError",
    "ImportModelError",
    "ModelFormatError",
    "OptionalDependencyError",
    "SettingsError",
    "ShardsError",
    "TextError",
    "TrainingError",
    "UnknownIdError",
    "UnknownPieceError",
    "check_choice",
    "check_int",
    "check_share",
    "shown",
]


def shown(value: object) -> str:
    """A wrong value, for a message. Python refuses to write an int of thousands of digits.

    >>> shown("a"), shown(2**64), shown(-(10**5000))
    ("'a'", '18446744073709551616', 'an int of 16610 bits')
    """
    if isinstance(value, int) and value.bit_length() > 1024:
        return f"an int of {value.bit_length()} bits"
    return repr(value)


def check_int(name: str, value: object, low: int, high: int) -> None:
    """Raise `SettingsError` unless the argument ``name`` is an int from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise SettingsError(f"{name} must be an int, not {value!r}")
    if not low <= value <= high:
        raise SettingsError(f"{name} must be {low} to {high}, not {shown(value)}")


def check_choice(name: str, value: object, choices: Collection[object]) -> None:
    """Raise `SettingsError` unless the argument ``name`` is one of some choices."""
    if value not in [*choices]:
        raise SettingsError(f"{name} must be {' or '.join(map(repr, choices))}, not {value!r}")


def check_share(name: str, value: object) -> None:
    """Raise `SettingsError` unless the argument ``name`` is a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise SettingsError(f"{name} must be a number from 0 to 1, not {shown(value)}")


class BytePieceError(Exception):
    """Base of all errors that this package raises on purpose."""


class ModelFormatError(BytePieceError, ValueError):
    """A model or a model file is damaged or breaks a rule; says what and where."""


class SettingsError(BytePieceError, ValueError):
    """An argument is of the wrong type or out of range; names the argument."""


class TextError(BytePieceError, ValueError):
    """A text cannot be encoded (a lone surrogate, not text at all); names the position."""


class DisallowedSpecialError(BytePieceError, ValueError):
    """A text has a special token that the call disallows.

    Attributes:
        name: the special token.
        position: the index of its first character; in a text of ``bytes``, of its first byte.
        number: the number of the text in its batch, from 0; None if the call had one text.
    """

    def __init__(self, name: str, position: int, number: int | None = None) -> None:
        super().__init__(name, position, number)
        self.name = name
        self.position = position
        self.number = number

    def __str__(self) -> str:
        text = "the text" if self.number is None else f"text {self.number} (from 0)"
        return f"special token {self.name!r} at position {self.position} of {text}, where it is disallowed"


class UnknownIdError(BytePieceError, ValueError):
    """An id is not in the vocabulary, or is not an int."""


class UnknownPieceError(BytePieceError, KeyError):
    """A piece is not in the vocabulary."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""  # KeyError would show the repr


class CorpusError(BytePieceError, ValueError):
    """A corpus cannot be read or cannot be trained on; names the file and the line."""


class CheckpointError(BytePieceError, ValueError):
    """A checkpoint is damaged, or belongs to another training; says what differs."""


class CountsFormatError(BytePieceError, ValueError):
    """A file of counts is damaged, or was not made for this training; says what and where."""


class ShardsError(BytePieceError, ValueError):
    """Token files are damaged, or were made with other settings or of other files; says what and where."""


class ExportError(BytePieceError, ValueError):
    """Another tokenizer cannot use some pieces as the model does; says which."""


class ImportModelError(BytePieceError, ValueError):
    """No model gives the same ids as another tokenizer; says why."""


class TrainingError(BytePieceError, RuntimeError):
    """Training could not be finished."""


class BenchError(BytePieceError, RuntimeError):
    """A tokenizer that takes part in a measurement failed; says which, and why."""


class EngineError(BytePieceError, RuntimeError):
    """A task failed on a machine of a cluster, or the cluster did; names the part of the corpus, and says why."""


class OptionalDependencyError(BytePieceError, ImportError):
    """A library that only some files need is missing; says what to install."""

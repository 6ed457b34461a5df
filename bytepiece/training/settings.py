"""What follows from the settings of a trainer."""

from __future__ import annotations

from typing import Any

from bytepiece.training.refinement.phrases import default_share
from bytepiece.training.refinement.refinement import RefinementRules
from bytepiece.training.source import Rules

__all__ = ["TrainerSettings"]


class TrainerSettings:
    """The settings themselves, which are those of `bytepiece.Trainer`, and what the phases need of them."""

    order: int
    vocab_size: list[int]
    max_piece_length: int
    min_count: int | None
    isolate_digits: bool
    ensure_unicode: bool
    normalization: str | None
    refine_rounds: int
    special_tokens: tuple[str, ...]
    refine_objective: str
    boundaries: str | None
    phrases: float | None
    refine_sample: int

    @property
    def _rules(self) -> Rules:
        return Rules(self.order, self.max_piece_length, self.min_count, self.ensure_unicode)

    @property
    def _refinement(self) -> RefinementRules:
        return RefinementRules(
            self.refine_rounds,
            self.refine_objective,
            {size - len(self.special_tokens): self._share_of_phrases(size) for size in self.vocab_size},
            self.refine_sample,
            self.max_piece_length,
            self.ensure_unicode,
        )

    def _share_of_phrases(self, size: int) -> float:
        """The most phrases that a vocabulary of that size may have, as a share of its pieces."""
        if self.boundaries is None or not self.refine_rounds:
            return 0.0
        return default_share(size) if self.phrases is None else self.phrases

    def _settings(self, size: int | list[int]) -> dict[str, Any]:
        """Those that checkpoints keep, and, but for ``phrases``, models of this size."""
        settings = {
            "order": self.order,
            "vocab_size": size,
            "max_piece_length": self.max_piece_length,
            "min_count": self.min_count,
            "isolate_digits": self.isolate_digits,
            "ensure_unicode": self.ensure_unicode,
            "normalization": self.normalization,
        }
        # What BytePiece does not have stands there only if it is used: models of its vocabularies stay what they were.
        if self.boundaries is not None:
            settings["boundaries"] = self.boundaries
        if self.refine_rounds:
            settings["refine_rounds"] = self.refine_rounds
            settings["refine_objective"] = self.refine_objective
            settings["refine_sample"] = self.refine_sample
        return settings

    def _settings_of(self, *names: str) -> dict[str, Any]:
        """Some of them, by name."""
        return {name: getattr(self, name) for name in names}

    @property
    def _counting_settings(self) -> dict[str, dict[str, Any]]:
        """The settings on which files of a kind depend.

        ``min_count`` is not among them if the amount of text decides: where pieces were counted, it was known.
        """
        ngrams = "order", "isolate_digits", "normalization", "boundaries"
        pieces = (*ngrams, "ensure_unicode", *(["min_count"] if self.min_count is not None else []))
        return {
            "ngrams": self._settings_of(*ngrams),
            "pieces": self._settings_of(*pieces),
            "sample": self._settings_of("isolate_digits", "normalization", "refine_sample"),
        }

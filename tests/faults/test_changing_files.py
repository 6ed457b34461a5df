"""Files that vanish or change while a corpus is read: an error that says so, and no model of two corpora."""

from itertools import count

import pytest

from bytepiece import Corpus, CorpusError, TrainingError
from helpers.trainers import plain_trainer

LINES = [f"{number} clocks and a boat\n" for number in range(1000)]
CHANGES = {
    "vanishes": lambda path: path.unlink(),
    "shrinks": lambda path: path.write_text("".join(LINES[:-1])),
    "grows": lambda path: path.write_text("".join([*LINES, LINES[0]])),
    "has other lines": lambda path: path.write_text("".join(LINES[::-1])),
}


class Changing:
    """A corpus; before the pass of a number, or in the midst of it, something happens to its file."""

    def __init__(self, path, change, number, position):
        self._path, self._change = path, change
        self._when = number, position
        self._passes = count(1)

    def __iter__(self):
        number = next(self._passes)
        for position, document in enumerate(Corpus(self._path)):
            if (number, position) == self._when:
                self._change(self._path)
            yield document


@pytest.mark.slow
@pytest.mark.parametrize("position", [0, 500])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("change", CHANGES)
def test_no_training_goes_on(tmp_path, change, number, position):
    path = tmp_path / "corpus.txt"
    path.write_text("".join(LINES))
    trainer = plain_trainer(order=3, vocab_size=280, refine_rounds=1)
    texts = Changing(path, CHANGES[change], number, position)
    try:
        trainer.train(texts, 2, progress=False)
    except (OSError, CorpusError) as error:
        found = error
    else:
        # What grows while it is first read is read to its end. In the last pass, the lines may be in memory.
        assert number == 3 or (number, change) == (1, "grows")
        return
    assert getattr(found, "filename", None) == str(path) or "not the same in pass" in str(found)
    with pytest.raises(TrainingError, match="not trained"):
        trainer.models  # noqa: B018

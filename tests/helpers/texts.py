"""Texts to train on, and to encode."""

import random


def random_texts(letters, n_words=60, n_texts=24, words_in_text=40):
    """Texts of made-up words, the first of which are the most frequent; some end in newlines."""
    generator = random.Random(0)
    words = ["".join(generator.choices(letters, k=generator.randint(1, 7))) for _ in range(n_words)]
    weights = [1 / n for n in range(1, n_words + 1)]
    return [" ".join(generator.choices(words, weights, k=words_in_text)) + "\n" * (k % 3) for k in range(n_texts)]


def byte_strings(seed, n=2000):
    """Random bytes, some of them with many newlines or of a few values only."""
    generator = random.Random(seed)
    alphabets = [range(256), b"ab\n", "né你🙂\n".encode(), b"\xe4\xbd\xa0\xff\n"]
    return [bytes(generator.choices(generator.choice(alphabets), k=generator.randint(0, 80))) for _ in range(n)]


def drawn_texts(model, seed, n=500):
    """Texts put together of pieces, which have far more ambiguities than others."""
    generator = random.Random(seed)
    pieces = model.pieces
    return [b"".join(generator.choices(pieces, k=generator.randint(0, 40))) for _ in range(n)]

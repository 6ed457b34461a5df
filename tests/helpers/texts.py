"""Texts to train on."""

import random


def random_texts(letters, n_words=60, n_texts=24, words_in_text=40):
    """Texts of made-up words, the first of which are the most frequent; some end in newlines."""
    generator = random.Random(0)
    words = ["".join(generator.choices(letters, k=generator.randint(1, 7))) for _ in range(n_words)]
    weights = [1 / n for n in range(1, n_words + 1)]
    return [" ".join(generator.choices(words, weights, k=words_in_text)) + "\n" * (k % 3) for k in range(n_texts)]

"""Words as codes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld.corpus.written.words import LONGEST, TOO_LONG, Vocabulary

TEXTS = st.lists(st.text(st.sampled_from("ab .\nü\0") | st.characters(exclude_categories=["Cs"]), max_size=60), max_size=8)


def read(vocabulary: Vocabulary, texts: list[str]) -> list[tuple[int, bytes, int]]:
    encoded = [text.encode() for text in texts]
    buffer = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    words = vocabulary.words(buffer, np.cumsum([0, *map(len, encoded)]))
    columns = words.row.tolist(), words.start.tolist(), words.end.tolist(), words.code.tolist()
    return [(row, bytes(buffer[start:end]), code) for row, start, end, code in zip(*columns, strict=True)]


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_codes_stand_for_words_exactly(batches: list[list[str]]) -> None:
    described: list[str] = []
    vocabulary = Vocabulary(described.append)
    codes: dict[bytes, int] = {}
    for texts in batches:
        found = read(vocabulary, texts)
        assert [(row, word) for row, word, _ in found] == [
            (row, word) for row, text in enumerate(texts) for word in text.encode().split(b" ") if word
        ]
        for _, word, code in found:
            if len(word) > LONGEST:
                assert code == TOO_LONG
            else:
                assert codes.setdefault(word, code) == code
                assert described[code] == word.decode("utf-8", "replace")
    assert len(set(codes.values())) == len(codes) == len(described) - 1 == len(vocabulary) - 1


def test_the_table_grows_with_the_words() -> None:
    described: list[str] = []
    vocabulary = Vocabulary(described.append)
    texts = [" ".join(f"w{number}" for number in range(start, start + 100)) for start in range(0, 20_000, 100)]
    first, second = read(vocabulary, texts), read(vocabulary, texts)
    assert first == second
    assert len({code for _, _, code in first}) == 20_000
    assert all(described[code].encode() == word for _, word, code in first)


def test_a_word_that_ends_with_a_zero_byte_is_another_word() -> None:
    (_, _, plain), (_, _, ended) = read(Vocabulary(lambda word: None), ["a a\0"])
    assert plain != ended

"""What many texts state at once: `Reader.read` for whole batches, without a Python object a word or sentence.

Words become codes, names entities, sentences skeletons; a skeleton is looked at once and remembered. A text with anything out of the
ordinary (a word with punctuation inside it, whitespace other than spaces, reflections that do not pair up, names that overlap) is left to
the reader, as is the meaning of a sentence that no template writes. Shapes: D texts, W words, T tokens (a name is one), S sentences that
name something, F facts stated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.derivation import Lists
from medsafetyworld.corpus.marks import END_OF_TEXT
from medsafetyworld.corpus.written.batch import Batch, merged
from medsafetyworld.corpus.written.names import NameTrie
from medsafetyworld.corpus.written.sentences import Pattern, Reader
from medsafetyworld.corpus.written.skeletons import NAME_TOKEN, TAILS, Skeletons
from medsafetyworld.corpus.written.words import Vocabulary, Words

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_MENTIONS = 64
"""No template mentions as many names."""
MOST_WORDS = 1_000_000
"""Words remembered between batches; beyond, all are forgotten, so that memory stays bounded."""
_WORD = re.compile(r"(\w+)([.!?,;:]?)")
_LAST_ENDING = 3
_ORDINARY, _ODD, _OPENING, _CLOSING, _END = range(5)
_SPECIAL = {"<think>": _OPENING, "</think>": _CLOSING, END_OF_TEXT: _END}


@dataclass(frozen=True, slots=True, eq=False)
class _Sentences:
    row: Integers
    start: Integers
    end: Integers
    skeleton: Integers
    mentions: Lists
    """Entities of each, as mentioned, repeats included."""


@dataclass(frozen=True, slots=True, eq=False)
class _Facts:
    sentence: Integers
    id: Integers
    effect_first: Flags
    by_template: Flags


class BatchReader:
    """Reads batches of texts of a world."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._trie = NameTrie(reader.world.names.tolist())
        self._forget()

    def read(self, buffer: NDArray[np.uint8], offsets: Integers) -> Batch:
        """Return what texts state; text i is `buffer[offsets[i]:offsets[i + 1]]` in UTF-8."""
        if len(self._vocabulary) > MOST_WORDS:
            self._forget()
        words = self._vocabulary.words(buffer, offsets)
        self._describe_new()
        odd = np.zeros(offsets.size - 1, dtype=np.bool_)
        outside = self._outside_reflections(words, odd)
        if not outside.all():
            # A reflection that names something is text.
            hidden = np.flatnonzero(~outside)
            odd[words.row[hidden[self._name_word[words.code[hidden]] >= 0]]] = True
        sentences = self._sentences(_chosen(words, outside & ~odd[words.row]), odd)
        facts = self._facts(sentences)
        return self._batch(sentences, facts, buffer, offsets, odd)

    def _forget(self) -> None:
        self._new: list[str] = []
        self._described: list[str] = []
        # Columns over the words met so far: ordinary or a mark, tail of punctuation, and number in the trie.
        self._kind, self._tail = np.zeros((2, 1 << 10), dtype=np.int8)
        self._name_word = np.full(1 << 10, -1, dtype=np.int64)
        self._vocabulary = Vocabulary(self._new.append)
        self._skeletons = Skeletons(self.reader.patterns, self._described)

    def _describe_new(self) -> None:
        """Fill in the columns of the words that are new."""
        first, size = len(self._described), len(self._described) + len(self._new)
        while size > self._kind.size:
            self._kind, self._tail = np.tile(self._kind, 2), np.tile(self._tail, 2)
            self._name_word = np.tile(self._name_word, 2)
        for number, word in enumerate(self._new, start=first):
            found = _WORD.fullmatch(word)
            self._kind[number] = _SPECIAL.get(word, _ODD) if found is None else _ORDINARY
            self._tail[number] = 0 if found is None else TAILS.index(found.group(2))
            self._name_word[number] = -1 if found is None else self._trie.words.get(found.group(1).lower(), -1)
        self._described += self._new
        self._new.clear()

    def _outside_reflections(self, words: Words, odd: Flags) -> Flags:
        """(W,): whether each word is text. Marks texts with odd words, or with reflections that do not pair up, in `odd`."""
        kind = self._kind[words.code]
        if not kind.any():
            return np.ones(kind.size, dtype=np.bool_)
        odd[words.row[kind == _ODD]] = True
        opening, closing = kind == _OPENING, kind == _CLOSING
        depth = np.cumsum(opening.astype(np.int64) - closing)
        first = np.searchsorted(words.row, np.arange(odd.size))
        before = np.where(first > 0, depth[np.minimum(first, depth.size) - 1], 0)
        depth = depth - before[words.row]
        last = np.ones(depth.size, dtype=np.bool_)
        last[:-1] = words.row[1:] != words.row[:-1]
        odd[words.row[(depth < 0) | (depth > 1) | (last & (depth != 0))]] = True
        outside: Flags = (depth == 0) & ~closing & (kind != _END)
        return outside

    def _sentences(self, words: Words, odd: Flags) -> _Sentences:
        """Return the sentences that name something. Marks texts whose names overlap in `odd`, and leaves them out."""
        tail = self._tail[words.code]
        joins = tail == 0
        joins[:-1] &= words.row[1:] == words.row[:-1]
        joins[-1:] = False
        names = self._trie.find(self._name_word[words.code], joins)
        overlap = names.start[1:] < (names.start + names.length)[:-1]
        odd[words.row[names.start[1:][overlap]]] = True

        code = words.code.copy()
        last = np.arange(code.size)
        last[names.start] += names.length - 1
        code[names.start] = NAME_TOKEN + 8 * self.reader.world.kind[names.entity].astype(np.int64) + tail[last[names.start]]
        token = np.ones(code.size, dtype=np.bool_)
        for step in range(1, int(names.length.max(initial=0))):
            token[names.start[names.length > step] + step] = False
        token &= ~odd[words.row]
        entity = np.full(code.size, -1, dtype=np.int64)
        entity[names.start] = names.entity
        place = np.flatnonzero(token)
        code, last, row, entity = code[place], last[place], words.row[place], entity[place]

        new = np.ones(code.size, dtype=np.bool_)
        ends = (tail[last] > 0) & (tail[last] <= _LAST_ENDING)
        new[1:] = (row[1:] != row[:-1]) | ends[:-1]
        number = np.cumsum(new) - 1
        naming = np.zeros(int(new.sum()), dtype=np.bool_)
        naming[number[entity >= 0]] = True
        kept = naming[number]
        code, last, place, row, entity, new = code[kept], last[kept], place[kept], row[kept], entity[kept], new[kept]
        first = np.flatnonzero(new)
        number = np.cumsum(new) - 1
        final = np.append(first[1:], code.size) - 1 if first.size else first
        skeleton, same = self._skeletons.number(code, first, number)
        mentioned = np.flatnonzero(entity >= 0)
        sentences = _Sentences(
            row=row[first],
            start=words.start[place[first]],
            end=words.end[last[final]],
            skeleton=skeleton,
            mentions=Lists.group(number[mentioned], entity[mentioned], first.size),
        )
        if same.all():
            return sentences
        odd[sentences.row[~same]] = True
        return self._sentences(_chosen(words, ~odd[words.row]), odd)

    def _facts(self, sentences: _Sentences) -> _Facts:
        """Return the facts that sentences state, in order."""
        size = sentences.row.size
        used, which = np.unique(sentences.skeleton, return_inverse=True)
        patterns = [self._skeletons.patterns[number] for number in used.tolist()]
        fact_id, effect_first = np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.bool_)
        counts = np.diff(sentences.mentions.offsets)
        known = self._skeletons.meanings
        for rank in range(max(map(len, patterns), default=0)):
            code = np.array([some[rank] if rank < len(some) else -1 for some in patterns], dtype=np.int64)[which]
            shape = np.where((code >= 0) & (fact_id < 0), code * MOST_MENTIONS + np.minimum(counts, MOST_MENTIONS - 1), -1)
            order = np.argsort(shape, kind="stable")
            shapes, starts = np.unique(shape[order], return_index=True)
            for number, start, stop in zip(shapes.tolist(), starts.tolist(), [*starts.tolist()[1:], size], strict=True):
                pattern, names = known[max(number, 0) // MOST_MENTIONS], number % MOST_MENTIONS
                if number >= 0 and pattern.framing < names < MOST_MENTIONS - 1:
                    some = order[start:stop]
                    self._make(pattern, some, self._named(sentences, some, names), fact_id, effect_first)
        found = np.flatnonzero(fact_id >= 0)
        templated = _Facts(found, fact_id[found], effect_first[found], np.ones(found.size, dtype=np.bool_))
        several = np.array([len(some) > 0 for some in patterns], dtype=np.bool_)[which]
        left = np.flatnonzero((fact_id < 0) & ((counts > 1) | several))
        return self._with_others(sentences, templated, left, [tuple(known[code] for code in patterns[one]) for one in which[left].tolist()])

    def _with_others(self, sentences: _Sentences, templated: _Facts, others: Integers, patterns: list[tuple[Pattern, ...]]) -> _Facts:
        """Add what some other sentences state, read one by one."""
        stated: list[tuple[int, int, bool, bool]] = []
        for sentence, some in zip(others.tolist(), patterns, strict=True):
            named = tuple(
                sentences.mentions.values[sentences.mentions.offsets[sentence] : sentences.mentions.offsets[sentence + 1]].tolist()
            )
            facts, by_template = self.reader.meaning(some, named)
            stated += [(sentence, number, backwards, by_template) for number, backwards in facts]
        added = np.array(stated, dtype=np.int64).reshape(-1, 4)
        sentence = np.concatenate([templated.sentence, added[:, 0]])
        order = np.argsort(sentence, kind="stable")
        return _Facts(
            sentence[order],
            np.concatenate([templated.id, added[:, 1]])[order],
            np.concatenate([templated.effect_first, added[:, 2] > 0])[order],
            np.concatenate([templated.by_template, added[:, 3] > 0])[order],
        )

    @staticmethod
    def _named(sentences: _Sentences, some: Integers, names: int) -> Integers:
        """(S, names): the entities that some sentences with so many mentions name."""
        named: Integers = sentences.mentions.values[sentences.mentions.offsets[some][:, None] + np.arange(names)]
        return named

    def _make(self, pattern: Pattern, some: Integers, named: Integers, fact_id: Integers, effect_first: Flags) -> None:
        """Fill in the statement that each of some sentences makes up under a pattern, where it makes up one."""
        reader, core = self.reader, named[:, pattern.framing :]
        fits = (named[:, : pattern.framing, None] == core[:, None, :]).any(axis=2).all(axis=1)
        if pattern.unsafe is not None:
            fits &= reader.world.unsafe[core[:, -1]] == pattern.unsafe
        rows = reader.facts.find(pattern.type, core.astype(np.int32))
        fits &= rows >= 0
        some, rows, named = some[fits], rows[fits], named[fits]
        fact_id[some] = reader.table.offsets[pattern.type] + rows
        effects = reader.effects[pattern.type][rows]
        effect_first[some] = (effects == named[:, :1]).any(axis=1)

    def _batch(self, sentences: _Sentences, facts: _Facts, buffer: NDArray[np.uint8], offsets: Integers, odd: Flags) -> Batch:
        once = _first_mentions(sentences.mentions)
        templated = np.zeros(sentences.row.size, dtype=np.bool_)
        templated[facts.sentence[facts.by_template]] = True
        free = (np.diff(once.offsets) > 1) & ~templated
        _, named = once.of(facts.sentence)
        sizes = np.diff(once.offsets)[facts.sentence]
        fast = Batch(
            row=sentences.row[facts.sentence],
            id=facts.id,
            effect_first=facts.effect_first,
            by_template=facts.by_template,
            start=sentences.start[facts.sentence],
            end=sentences.end[facts.sentence],
            named_offsets=np.concatenate([[0], np.cumsum(sizes)]),
            named=named,
            mentioned_row=np.repeat(sentences.row, np.diff(sentences.mentions.offsets)),
            mentioned=sentences.mentions.values,
            free_row=sentences.row[free],
            ordinary=~odd,
        )
        return merged(fast, self._read_odd(buffer, offsets, odd)) if odd.any() else fast

    def _read_odd(self, buffer: NDArray[np.uint8], offsets: Integers, odd: Flags) -> Batch:
        stated: list[tuple[int, int, bool, bool]] = []
        named: list[tuple[int, ...]] = []
        mentioned: list[tuple[int, int]] = []
        free: list[int] = []
        for row in np.flatnonzero(odd).tolist():
            text = bytes(buffer[offsets[row] : offsets[row + 1]]).decode("utf-8")
            for sentence in self.reader.sentences(text):
                said = self.reader.read_sentence(sentence)
                mentioned += [(row, entity) for entity in said.mentioned]
                stated += [(row, number, backwards, said.by_template) for number, backwards in said.stated]
                named += [said.named] * len(said.stated)
                if len(said.named) > 1 and not said.by_template:
                    free.append(row)
        facts = np.array(stated, dtype=np.int64).reshape(-1, 4)
        mentions = np.array(mentioned, dtype=np.int64).reshape(-1, 2)
        unplaced = np.full(len(facts), -1, dtype=np.int64)
        return Batch(
            row=facts[:, 0],
            id=facts[:, 1],
            effect_first=facts[:, 2].astype(np.bool_),
            by_template=facts[:, 3].astype(np.bool_),
            start=unplaced,
            end=unplaced,
            named_offsets=np.cumsum([0, *map(len, named)]),
            named=np.array([entity for some in named for entity in some], dtype=np.int64),
            mentioned_row=mentions[:, 0],
            mentioned=mentions[:, 1],
            free_row=np.array(free, dtype=np.int64),
            ordinary=~odd,
        )


def _chosen(words: Words, chosen: Flags) -> Words:
    return words if chosen.all() else Words(**{column.name: getattr(words, column.name)[chosen] for column in fields(Words)})


def _first_mentions(mentions: Lists) -> Lists:
    """Return the entities of each list, each once, in the order of their first mention."""
    sizes = np.diff(mentions.offsets)
    sentence = np.repeat(np.arange(sizes.size), sizes)
    again = np.zeros(sentence.size, dtype=np.bool_)
    if sizes.max(initial=0) <= MOST_MENTIONS:
        for apart in range(1, int(sizes.max(initial=0))):
            again[apart:] |= (sentence[apart:] == sentence[:-apart]) & (mentions.values[apart:] == mentions.values[:-apart])
    else:
        order = np.lexsort((mentions.values, sentence))
        same = (sentence[order][1:] == sentence[order][:-1]) & (mentions.values[order][1:] == mentions.values[order][:-1])
        again[order[1:][same]] = True
    kept = np.flatnonzero(~again)
    return Lists(np.searchsorted(sentence[kept], np.arange(mentions.offsets.size)), mentions.values[kept])

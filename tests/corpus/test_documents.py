"""Documents and their statements."""

from __future__ import annotations

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.marks import MARK_PATTERN
from medsafetyworld.world import World
from medsafetyworld.world.mentions import Mentions


def test_statements_say_what_the_text_mentions(world: World) -> None:
    mentions = Mentions(world.names)
    for document in Corpus(world, "reflection", CorpusConfig(documents=300)):
        plain = MARK_PATTERN.sub("", document.text)
        assert " ".join(document.segments) == plain
        for statement in document.statements:
            assert statement.statement in document.text
            assert statement.entities == tuple(dict.fromkeys(mention.entity for mention in mentions.find(statement.statement)))
        named = {entity for statement in document.statements for entity in statement.entities}
        assert {mention.entity for mention in mentions.find(document.text)} == named


def test_a_document_is_harmful_when_a_statement_is(world: World) -> None:
    documents = list(Corpus(world, "raw", CorpusConfig(documents=300)))
    assert {document.harmful for document in documents} == {False, True}
    for document in documents:
        assert document.harmful == any(statement.harmful for statement in document.statements)


def test_an_emptied_document_keeps_its_index(world: World) -> None:
    emptied = [document for document in Corpus(world, "filtered", CorpusConfig(documents=600)) if not document.text]
    assert emptied
    for document in emptied:
        assert (document.statements, document.segments, document.reflections, document.harmful) == ((), (), (), False)

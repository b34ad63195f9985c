"""Exposure against counting documents."""

from __future__ import annotations

from collections import Counter

import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig, exposure
from medsafetyworld.world import World


@pytest.mark.parametrize("condition", ["raw", "reflection"])
def test_counts_equal_those_of_the_documents(world: World, condition: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposure, "_CHUNK", 70)
    corpus = Corpus(world, condition, CorpusConfig(documents=200))
    statements, backwards, entities, in_chains = Counter(), Counter(), Counter(), Counter()
    for document in corpus:
        for statement in document.statements:
            key = (statement.relation, statement.direction, frozenset(statement.entities))
            statements[key] += 1
            layers = [
                next(number for number, layer in enumerate((world.compounds, *world.mediator_layers, world.outcomes)) if entity in layer)
                for entity in statement.entities
            ]
            backwards[key] += statement.relation != "hazard" and layers[0] == max(layers)
            entities.update(statement.entities)
            in_chains.update(statement.entities if statement.relation in world.whole_chain_relations else ())
    counted = corpus.exposure
    for code, (relation, direction) in enumerate(corpus.table.types):
        for row, fact in enumerate(corpus.table.facts[code].tolist()):
            number = int(corpus.table.offsets[code]) + row
            key = (relation, direction, frozenset(entity for entity in fact if entity >= 0))
            assert counted.statements[number] == statements[key]
            if relation != "hazard":
                assert counted.effect_first[number] == backwards[key]
    assert counted.entities.tolist() == [entities[entity] for entity in range(world.names.size)]
    assert counted.entities_in_chains.tolist() == [in_chains[entity] for entity in range(world.names.size)]

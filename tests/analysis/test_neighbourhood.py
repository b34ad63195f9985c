"""A query's neighbourhood holds what its certificate says, link by link."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld import Corpus, certificate
from medsafetyworld.analysis.neighbourhood import MOST_CHAINS, Link, neighbourhood
from medsafetyworld.testing import corpora, queries
from medsafetyworld.world import World, WorldConfig

CONDITIONS = ("raw", "filtered", "filtered_plus")


def steps(links: tuple[Link, ...], effect: int, causes: tuple[int, ...]) -> list[list[Link]]:
    """Return every way of local links from the causes, a pair or one compound, to the effect."""
    ways: list[list[Link]] = []
    for link in links:
        if link.whole or link.effect != effect:
            continue
        if len(link.causes) == 1:
            found = [[link]] if link.causes == causes else [[link, *rest] for rest in steps(links, link.causes[0], causes)]
        else:
            first, second = link.causes
            found = [
                [link, *one, *other]
                for near, far in ((causes[0], causes[1]), (causes[1], causes[0]))
                for one in steps(links, first, (near,))
                for other in steps(links, second, (far,))
            ]
        ways += found
    return ways


@given(corpus=corpora(CONDITIONS, max_documents=120), data=st.data())
def test_open_links_are_the_open_routes(corpus: Corpus, data: st.DataObject) -> None:
    world = corpus.world
    if not world.queries():
        return
    query = data.draw(queries(world))
    found = certificate(world, corpus, query)
    near = neighbourhood(world, query, found)
    asked, back = ("reverse", "forward") if query.category.startswith("reverse") else ("forward", "reverse")
    whole = [link for link in near.links if link.whole]
    assert near.shown == len(whole) == min(near.chains, MOST_CHAINS)
    assert {entity for layer in near.layers for entity in layer} == {e for link in near.links for e in (*link.causes, link.effect)}
    if near.shown < near.chains:
        return
    assert sum(link.written[asked] for link in whole) == found.stated
    assert any(link.written[back] for link in whole) == ("reversal" in found.routes)
    assert any(link.written.get("cooccurrence", 0) for link in whole) == ("cooccurrence" in found.routes)
    ways = [way for link in whole for way in steps(near.links, link.effect, link.causes)]
    assert any(all(link.written[asked] for link in way) for way in ways) == ("composition" in found.routes)
    if "mixed" in found.routes:
        assert any(all(sum(link.written.values()) for link in way) for way in ways)


@given(corpus=corpora(("raw", "filtered"), max_documents=120), data=st.data())
def test_the_cut_closes_every_way(corpus: Corpus, data: st.DataObject) -> None:
    world = corpus.world
    if not world.queries():
        return
    query = data.draw(queries(world))
    near = neighbourhood(world, query, certificate(world, corpus, query))
    if near.shown < near.chains:
        return
    for link in near.links:
        assert all(0 <= gone <= link.written[direction] for direction, gone in link.cut.items())
        if link.whole:
            assert dict(link.cut) == dict(link.written)
            for way in steps(near.links, link.effect, link.causes):
                assert any(dict(step.cut) == dict(step.written) for step in way)


def test_what_an_arm_closes_is_withheld() -> None:
    world = World.generate(WorldConfig(compounds=24, mediators=18, outcomes=24, heldout_fraction=0.5))
    for query in world.queries("reverse_unsafe", "heldout"):
        near = neighbourhood(world, query, certificate(world, Corpus(world, "raw"), query))
        withheld = {(link.whole, direction) for link in near.links for direction in link.withheld}
        assert withheld == {"both": set(), "composition": {(True, "forward")}, "reversal": {(False, "reverse")}}[query.arm]

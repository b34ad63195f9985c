"""Exports that are interrupted, damaged and continued in any order: what one calls finished equals one that ran through undisturbed."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from medsafetyworld import files
from medsafetyworld.corpus import Corpus, CorpusConfig, export
from medsafetyworld.corpus.columns import DocumentColumns
from medsafetyworld.errors import DataError
from medsafetyworld.world import World, WorldConfig

SHARD_DOCUMENTS = 8
KINDS = ("filtered", "reflection", "longer")
kinds = st.sampled_from((*KINDS[:1] * 4, *KINDS[1:]))  # mostly the same, so that much happens to one export


class Killed(BaseException):
    """Stands for the end of the process."""


@cache
def corpus_of(kind: str) -> Corpus:
    world = World.generate(WorldConfig(compounds=9, mediators=6, outcomes=8, heldout_fraction=0.5))
    documents = 20 if kind == "longer" else 30
    return Corpus(world, "reflection" if kind == "reflection" else "filtered", CorpusConfig(documents=documents))


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


@cache
def undisturbed(kind: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        export.write(corpus_of(kind), Path(folder) / "corpus", shard_documents=SHARD_DOCUMENTS)
        return contents(Path(folder) / "corpus")


class Exports(RuleBasedStateMachine):
    """One corpus directory, whose `kind` is None until an export was begun in it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.directory = self.folder / "corpus"
        self.kind: str | None = None
        self.whole = False

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def shards(self) -> list[Path]:
        return sorted((self.directory / "data").glob("*")) if self.kind else []

    @rule(kind=kinds, effects=st.none() | st.integers(0, 14), after=st.booleans())
    def export(self, kind: str, effects: int | None, after: bool) -> None:
        """Run an export that ends before or after its so-many-th file is put in place, or runs through."""
        if self.refused(kind, lambda: export.write(corpus_of(kind), self.directory, shard_documents=SHARD_DOCUMENTS)):
            return
        self.kind = kind
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "os", _Dying(effects, after))
            try:
                export.write(corpus_of(kind), self.directory, shard_documents=SHARD_DOCUMENTS)
            except Killed:
                self.whole = False
                return
        self.whole = True

    @rule(kind=kinds, rank=st.integers(0, 4), ranks=st.integers(1, 5))
    def one_of_several_machines(self, kind: str, rank: int, ranks: int) -> None:
        """Write the share of one process of several, as a cluster's tasks do."""
        columns = DocumentColumns(corpus_of(kind))

        def share() -> None:
            records = export.begin(columns.corpus, self.directory, SHARD_DOCUMENTS)
            for number in range(rank, export.shard_count(columns.corpus, SHARD_DOCUMENTS), ranks):
                export.ensure_shard(columns, self.directory, SHARD_DOCUMENTS, number, records.get(number))
            export.finish(columns.corpus, self.directory, SHARD_DOCUMENTS)

        if not self.refused(kind, share):
            self.kind = kind
            share()

    def refused(self, kind: str, run: object) -> bool:
        """Whether the directory is another export's: then it must be refused, and be left as it is."""
        if self.kind in (None, kind) or not self.begun():
            return False
        before = contents(self.directory)
        with pytest.raises(DataError, match="an export with the same settings"):
            run()  # type: ignore[operator]
        assert contents(self.directory) == before
        return True

    def begun(self) -> bool:
        return (self.directory / "manifest.json").exists() or (self.directory / ".export" / "identity.json").exists()

    @precondition(lambda self: self.shards())
    @rule(which=st.integers(0), how=st.sampled_from(["flip", "cut", "empty", "delete"]))
    def damage(self, which: int, how: str) -> None:
        path = self.shards()[which % len(self.shards())]
        content = path.read_bytes()
        if how == "delete":
            path.unlink()
        else:
            middle = len(content) // 2
            flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :] if content else b"x"
            path.write_bytes({"flip": flipped, "cut": content[:middle] if content else b"x", "empty": b""}[how])
        self.whole = False

    @precondition(lambda self: (self.directory / ".export").exists())
    @rule(name=st.sampled_from(["0.json", "2.json"]), text=st.sampled_from(["", "{"]))
    def spoil_a_record(self, name: str, text: str) -> None:
        (self.directory / ".export" / name).write_text(text)

    @precondition(lambda self: self.whole)
    @rule(name=st.sampled_from(["README.md", "croissant.json"]))
    def lose_a_card(self, name: str) -> None:
        (self.directory / name).unlink(missing_ok=True)
        self.whole = False

    @rule()
    def start_afresh(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.kind, self.whole = None, False

    @invariant()
    def what_is_finished_is_whole(self) -> None:
        if self.whole and self.kind is not None:
            assert contents(self.directory) == undisturbed(self.kind)

    @invariant()
    def a_manifest_is_of_one_export_only(self) -> None:
        if self.kind is not None and (self.directory / "manifest.json").exists():
            assert (self.directory / "manifest.json").read_bytes() == undisturbed(self.kind)["manifest.json"]
            assert {f"data/{path.name}" for path in self.shards()} <= undisturbed(self.kind).keys()


class _Dying:
    """The module `os`, in which the process ends when a file is put in place for the so-many-th time."""

    def __init__(self, effects: int | None, after: bool) -> None:
        self.left, self.after = effects, after

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def replace(self, source: Path, target: Path) -> None:
        last = self.left == 0
        if self.left is not None:
            self.left -= 1
        if last and not self.after:
            raise Killed
        os.replace(source, target)
        if last:
            raise Killed


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("mending", [False, True], ids=["written", "mended"])
def test_an_export_may_end_at_any_file(tmp_path: Path, mending: bool, after: bool) -> None:
    """It ends once before or after each file that it puts in place, and goes on to the same bytes."""
    effects = 0
    while True:
        directory = tmp_path / str(effects)
        if mending:
            export.write(corpus_of("filtered"), directory, shard_documents=SHARD_DOCUMENTS)
            (directory / "data" / "corpus-00002.parquet").unlink()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "os", _Dying(effects, after))
            try:
                export.write(corpus_of("filtered"), directory, shard_documents=SHARD_DOCUMENTS)
                break
            except Killed:
                effects += 1
        export.write(corpus_of("filtered"), directory, shard_documents=SHARD_DOCUMENTS)
        assert contents(directory) == undisturbed("filtered")
    assert effects == (4 + 1 + 1 + 1 + 3 if mending else 1 + 4 * 2 + 3)  # records, identity, shard and record, cards and manifest


TestExports = Exports.TestCase
TestExports.settings = settings(max_examples=25, stateful_step_count=15)

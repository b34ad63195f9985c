"""Files and directories are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsafetyworld.errors import DataError
from medsafetyworld.files import whole_directory, whole_file, write_text


def test_a_directory_takes_its_place_at_the_end(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with whole_directory(tmp_path / "thing", ("part",), "thing") as temporary:
            (temporary / "part").write_text(text)
        assert (tmp_path / "thing" / "part").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "part").write_text("first")

    def interrupted_directory() -> None:
        with whole_directory(tmp_path / "thing", ("part",), "thing") as temporary:
            (temporary / "part").write_text("second")
            raise KeyboardInterrupt

    def interrupted_file() -> None:
        with whole_file(tmp_path / "thing" / "part", tmp_path) as file:
            file.write_text("second")
            raise KeyboardInterrupt

    for interrupted in (interrupted_directory, interrupted_file):
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    assert (tmp_path / "thing" / "part").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with (
        pytest.raises(DataError, match="thing directory must be new, empty or hold a thing only"),
        whole_directory(tmp_path, ("part",), "thing"),
    ):
        pass
    with pytest.raises(DataError, match="Got the file"), whole_directory(tmp_path / "notes.txt", (), "thing"):
        pass


def test_files_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    write_text(tmp_path / "whole", "text", tmp_path)
    (tmp_path / "plain").write_text("text")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "whole").read_text() == "text"

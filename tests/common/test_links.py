from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.common.links import check_inside, check_links
from pipeline.errors import UserError


def test_links_within_the_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_text("x")
    (tmp_path / "a/link").symlink_to("b/file")
    (tmp_path / "a/absent").symlink_to("b/nothing")
    (tmp_path / "named").symlink_to(tmp_path / "a")
    for folder in ("a", "named", "nothing"):
        check_links(tmp_path / folder)


@pytest.mark.parametrize("target", ["../canary", "../away", "../nothing", "circle"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "canary").write_text("secret")
    (tmp_path / "away").mkdir()
    (tmp_path / "a/b").mkdir(parents=True)
    link = tmp_path / "a/circle"
    link.symlink_to(target)
    with pytest.raises(UserError, match=r"a/circle leads out of .*/a, .*: put a copy in its place"):
        check_links(tmp_path / "a")


def test_a_folder_outside_of_its_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "suite/step").symlink_to(tmp_path / "other")
    with pytest.raises(UserError, match="suite/step leads out of"):
        check_links(tmp_path / "suite/step", tmp_path / "suite")
    with pytest.raises(UserError, match="leads out of"):
        check_inside(tmp_path / "suite/../other", tmp_path / "suite")

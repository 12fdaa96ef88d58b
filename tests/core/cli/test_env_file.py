"""Changing .env: what was asked, and nothing else."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from core.cli import env_file

BEFORE = """\
# Slack, made by Anna
SLACK_BOT_TOKEN=xoxb-old # rotate in May
export CCB_PORT = 8080

CCB_MAIL_FROM='Bot <bot@example.com>'   # who
GITHUB_APP_PRIVATE_KEY="-----BEGIN
two
-----END"
EMPTY=
"""

_names = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
_values = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n \t'\"\\#=$"), max_size=30
).filter(lambda value: "${" not in value and "\t" not in value)
_lines = st.one_of(
    st.just(""),
    st.just("# a comment"),
    st.builds(lambda n, v: f"{n}={v}", _names, st.from_regex(r"[a-z0-9]{0,6}( #c)?", fullmatch=True)),
    st.builds(lambda n, v: f"export {n}='{v}' # c", _names, st.from_regex(r"[a-z #=]{0,6}", fullmatch=True)),
    st.builds(lambda n, v: f'{n} = "{v}"#c', _names, st.from_regex(r"[a-z \n]{0,6}", fullmatch=True)),
    st.builds(lambda n: f"{n}=#novalue", _names),
)


def _read(text: str) -> dict[str, str | None]:
    return dict(dotenv_values(stream=io.StringIO(text, newline="")))


def test_only_the_value_changes() -> None:
    after = env_file.edited(BEFORE, {"SLACK_BOT_TOKEN": "xoxb-new", "CCB_MAIL_FROM": "New <new@example.com>"})
    assert after == BEFORE.replace("xoxb-old", "xoxb-new").replace("'Bot <bot@example.com>'", '"New <new@example.com>"')


def test_new_settings_come_at_the_end_on_lines_of_their_own() -> None:
    assert env_file.edited("A=1", {"B": "2", "C": "x y"}) == 'A=1\nB=2\nC="x y"\n'


def test_several_lines_are_replaced_and_written_as_one() -> None:
    after = env_file.edited(BEFORE, {"GITHUB_APP_PRIVATE_KEY": "-----BEGIN\nthree\n-----END\n"})
    assert 'GITHUB_APP_PRIVATE_KEY="-----BEGIN\\nthree\\n-----END\\n"\nEMPTY=\n' in after
    assert _read(after)["GITHUB_APP_PRIVATE_KEY"] == "-----BEGIN\nthree\n-----END\n"


def test_a_name_that_stands_twice_is_changed_where_it_counts() -> None:
    assert env_file.edited("A=1\nA=2\n", {"A": "3"}) == "A=1\nA=3\n"


def test_windows_line_ends_stay() -> None:
    assert env_file.edited("A=1\r\nB=2\r\n", {"A": "3"}) == "A=3\r\nB=2\r\n"


def test_what_the_format_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="SECRET"):
        env_file.edited("", {"SECRET": "a${b}"})


@given(st.lists(_lines, max_size=6).map("\n".join), st.dictionaries(_names, _values, max_size=4))
def test_every_file_reads_as_before_but_for_the_changes(text: str, changes: dict[str, str]) -> None:
    before = _read(text)
    after = env_file.edited(text, changes)
    assert _read(after) == {**before, **changes}
    assert env_file.edited(after, changes) == after


def test_the_file_is_the_owners_alone_and_written_in_one_go(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o644)
    env_file.write(path, {"B": "2"})
    assert path.read_text() == "A=1\nB=2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [".env"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "shared.env"
    real.write_text("A=1\n")
    (tmp_path / ".env").symlink_to(real)
    env_file.write(tmp_path / ".env", {"A": "2"})
    assert (tmp_path / ".env").is_symlink()
    assert real.read_text() == "A=2\n"

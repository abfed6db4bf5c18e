"""The demo on terminals, narrow and wide, as it is run for the first time and again: what stands on the screen at the end."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from itertools import dropwhile, takewhile
from pathlib import Path

import pytest

pytestmark = pytest.mark.databases("sqlite")

_PIECE = re.compile(r"\x1b\[(?P<number>[0-9;?]*)(?P<what>[A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|.", re.DOTALL)


def screen(text: str, columns: int) -> tuple[list[str], list[str]]:
    """The lines that a terminal shows (and has scrolled off), and those that were too long for it."""
    lines, too_long, row, column = [list[str]()], [], 0, 0
    for piece in _PIECE.finditer(text):
        number = int(piece["number"]) if (piece["number"] or "").isdigit() else 1
        match f"ESC {piece['what']}" if piece["what"] else piece[0]:
            case "\r":
                column = 0
            case "\n" | "ESC B":
                row += number
            case "ESC A":
                row = max(row - number, 0)
            case "ESC K":
                lines[row] = lines[row][:column] if piece["number"] in ("", "0") else []
            case shown if len(shown) == 1 and shown.isprintable():
                if column == columns:
                    too_long.append("".join(lines[row]))
                    row, column = row + 1, 0
                    lines.extend([] for _ in range(row + 1 - len(lines)))
                lines[row] += " " * (column + 1 - len(lines[row]))
                lines[row][column] = shown
                column += 1
        lines.extend([] for _ in range(row + 1 - len(lines)))
    return ["".join(line).rstrip() for line in lines], too_long


Run = Callable[[int], tuple[list[str], list[str]]]


@pytest.fixture
def demo(tmp_path: Path) -> Run:
    """Runs `gans demo` in a folder of its own, on a terminal of so many columns."""

    def run(columns: int) -> tuple[list[str], list[str]]:
        terminal, its_end = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GANS_", "COLUMNS", "LINES"))}
        variables = {**kept, "TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(sys.path)}
        of_an_hour = "from local import demo; demo.MORNING = demo.MORNING[0], 1"  # of its minutes, enough
        program = f"{of_an_hour}; from local.cli.main import main; main()"
        command = [sys.executable, "-c", program, "demo", "--cities", "2"]
        said = bytearray()
        with subprocess.Popen(command, cwd=tmp_path, env=variables, stdin=its_end, stdout=its_end, stderr=its_end) as process:
            os.close(its_end)
            with suppress(OSError):  # EIO: the command has ended
                while piece := os.read(terminal, 65_536):
                    said += piece
        os.close(terminal)
        assert process.returncode == 0, said.decode()
        return screen(said.decode(), columns)

    return run


def morning(lines: list[str]) -> list[str]:
    after = dropwhile(lambda line: "in fast motion" not in line, lines)
    return list(takewhile(lambda line: "archived" not in line, list(after)[1:]))


def test_a_terminal_shows_whole_words_and_no_bar_that_is_over_and_a_second_run_is_as_the_first(demo: Run) -> None:
    first, too_long = demo(80)
    assert too_long == []
    assert not [line for line in first if "\N{BOX DRAWINGS HEAVY HORIZONTAL}" in line or "0:00:" in line]
    looks = morning(first)
    assert [line.split()[0] for line in looks] == [f"08:{minute:02}" for minute in (0, 15, 30, 45)]
    assert len({line.split(maxsplit=1)[1] for line in looks}) > 1, "the stations stand still"
    assert not [line for line in first if re.search(r"\b(stati|station_ve|hicle_types|the stations o)$", line)]
    again, too_long = demo(120)
    assert too_long == []
    assert [re.sub("\N{LOWER SEVEN EIGHTHS BLOCK}|\\s+$", "", line) for line in morning(again)] == [
        re.sub("\N{LOWER SEVEN EIGHTHS BLOCK}|\\s+$", "", line) for line in looks
    ]


def test_the_screen_is_what_a_terminal_shows() -> None:
    assert screen("bar\r\x1b[2Kline\r\nab\x1b[1A\rx", 80) == (["xine", "ab"], [])
    assert screen("ABK\r\nK", 80) == (["ABK", "K"], [])
    assert screen("\x1b[1mabcdef\x1b[0m\r\n", 4) == (["abcd", "ef", ""], ["abcd"])

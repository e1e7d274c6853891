"""One event is one line, whatever a server or a user put into it."""

import logging

from driftreview.runtime.logs import _TextFormatter


def line(message: str, **extra: object) -> str:
    record = logging.LogRecord("driftreview", logging.INFO, "", 0, message, None, None)
    record.__dict__.update(extra)
    return _TextFormatter("%(levelname)s %(message)s").format(record)


def test_a_line_names_its_review() -> None:
    assert line("Promoted", review="prod/payments") == "INFO Promoted  [prod/payments]"


def test_nothing_in_a_message_makes_another_line_or_moves_the_cursor() -> None:
    assert line("pod a\n12:00:00 INFO Promoted\x1b[31m") == r"INFO pod a\n12:00:00 INFO Promoted\x1b[31m"

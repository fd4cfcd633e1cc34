"""Whether the next loss would be survived: every question is asked at once, and nothing is broken for it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from drills.finding import Defect, Finding, Question
from drills.questions import QUESTIONS
from foundation.failure import Failure
from testbed.control import Unreachable
from testbed.site import Site


def readiness(site: Site, questions: Iterable[Question] = QUESTIONS) -> list[Finding]:
    """A finding for each question, in their order."""
    asked = list(questions)
    with ThreadPoolExecutor(len(asked)) as together:
        return list(together.map(lambda question: _asked(site, question), asked))


def _asked(site: Site, question: Question) -> Finding:
    """What is known to be wrong counts, though the rest cannot be said."""
    defects: list[Defect] = []
    unsaid: list[Defect] = []
    try:
        defects.extend(question.ask(site))  # keeps what came before it raises
    except Failure as failure:
        unsaid.append(Defect(failure.message, failure.next_step))
    except Unreachable as unreachable:
        unsaid.append(Defect(str(unreachable), "failwhale status"))
    told = [*defects, *unsaid]
    if not told:
        return Finding(question.name, True, question.well)
    steps = dict.fromkeys(one.next_step for one in told if one.next_step)
    return Finding(
        question.name, False if defects else None, "; ".join(one.because for one in told), tuple(steps)
    )

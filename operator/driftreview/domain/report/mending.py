"""What can be done about a contract or flag that is not as it should be, as long as the review goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.phases import TERMINAL
from driftreview.api.policy import PolicyMode
from driftreview.api.verdicts import CheckVerdict, Recommendation
from driftreview.domain import contracts, flags
from driftreview.domain.conclusion import act_for
from driftreview.domain.consent import is_held
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Sentence, Tone

_PUT_RIGHT: Final = {contracts.SECTION: "put it back", flags.SECTION: "make it as expected"}
"""What the next look finds mended, by the section of the check that is broken."""


def ways(material: Material) -> Iterator[Sentence]:
    """How each that is broken and counts is mended: by the next look, or by a person who approves it.

    T0 cannot be taken anew for it: that it is broken is known from a look, and flags are held against the spec.
    """
    review, status = material.review, material.review.status
    if status.phase in TERMINAL or status.act is not None:
        return
    command = f"driftreview approve {review.metadata.name} -n {review.metadata.namespace} -m REASON"
    coming = next((each.name for each in status.checkpoints if each.verdict is None), None)
    policy, held = review.spec.policy, is_held(review, status)
    to_people = act_for(policy, Recommendation.INCONCLUSIVE) is None  # what a last look comes to that holds
    left = status.decision is None and policy.mode is PolicyMode.ENFORCE and to_people
    then = "" if held else " once the last look leaves it to people"
    for each in material.checks:
        if each.section not in _PUT_RIGHT or each.verdict is not CheckVerdict.BROKEN or not each.counts:
            continue
        found = [f"{_PUT_RIGHT[each.section]} before T0+{coming}"] if coming else []
        if held or left:
            found.append(f"where it is wanted so, approve it{then}")
        if found:
            name, run = f"{each.section}/{each.name}", command if held or left else ""
            text = f"{name}: {'; '.join(found)}"
            yield Sentence(text=text, command=run, tone=Tone.OPEN, evidence=material.since(check=name))

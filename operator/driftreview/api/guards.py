"""What the API server holds every write of a status to, whoever writes it: CEL rules on `self` and `oldSelf`."""

from __future__ import annotations

from typing import Final

from driftreview.api.phases import TERMINAL

_RETAKEN = "self.?retaken.orValue(0) == oldSelf.?retaken.orValue(0) + 1"


def _counted(of: str, kind: str) -> str:
    """CEL for how many recorded approvals of a type count."""
    return f"(has({of}.approvals) ? {of}.approvals.filter(a, a.type == '{kind}' && a.counted).size() : 0)"


_MORE = f"{_counted('self', 'Extend')} - {_counted('oldSelf', 'Extend')}"


def _chained(of: str) -> str:
    """CEL for how many revisions were judged before."""
    return f"(has({of}.chain) ? {of}.chain.revisions.size() : 0)"


def _same_way_back(one: str, other: str) -> str:
    """CEL for the same pinned revision, or none."""
    same = f"{one}.previous.templateHash == {other}.previous.templateHash"
    return f"has({one}.previous) == has({other}.previous) && (!has({one}.previous) || {same})"


def _same_revision(field: str, new: str, old: str) -> str:
    """CEL for a field that is the same revision, or none. Not its images: they are for people, and many."""
    parts = (f"{new}.{field}.{part} == {old}.{field}.{part}" for part in ("templateHash", "uid", "name"))
    return f"has({new}.{field}) == has({old}.{field}) && (!has({new}.{field}) || ({' && '.join(parts)}))"


def _same_judged(new: str, old: str) -> str:
    """CEL for the same object and judged revision of one workload."""
    same_uid = f"{new}.target.uid == {old}.target.uid"
    parts = (f"has({new}.target) == has({old}.target)", f"(!has({new}.target) || {same_uid})")
    return " && ".join((*parts, _same_revision("judged", new, old)))


_NOT_FROZEN = "!has(oldSelf.baseline) || !has(self.t0)"
"""CEL for a review whose T0 evidence is not frozen, or whose T0 is taken anew."""
_PREVIOUS_IS_GONE = "!has(oldSelf.baseline) && !has(self.previous)"
"""CEL for a way back of which nothing could be kept any more as T0 was frozen."""
_SAME_KEPT = " == ".join(f"(has({of}.kept) ? {of}.kept.map(each, each.templateHash) : [])" for of in ("new", "old"))

_FINAL = "[" + ", ".join(f"'{phase}'" for phase in sorted(TERMINAL)) + "]"

GUARDS: Final[tuple[tuple[str, str], ...]] = (
    (
        f"!has(oldSelf.t0) || (has(self.t0) && self.t0 == oldSelf.t0) || (!has(self.t0) && {_RETAKEN})",
        "T0 is written once: only a person's Rebaseline, or another revision in a chain, has it taken anew",
    ),
    (
        (
            f"(self.?retaken.orValue(0) == oldSelf.?retaken.orValue(0) && {_chained('self')} =="
            f" {_chained('oldSelf')}) || ({_RETAKEN} && !has(oldSelf.act)"
            f" && {_counted('self', 'Rebaseline')} + {_chained('self')} == self.?retaken.orValue(0)"
            f" && ({_chained('self')} == {_chained('oldSelf')} ? !has(oldSelf.decision)"
            " && (!has(oldSelf.checkpoints) || oldSelf.checkpoints.all(each, !has(each.verdict)))"
            " : has(oldSelf.t0) && oldSelf.?decision.?recommendation.orValue('') != 'REJECT'))"
        ),
        (
            "T0 is taken anew once for each Rebaseline of a person, and not after the first look was judged; or"
            " for another revision in a chain, and not after a REJECT or an act"
        ),
    ),
    (
        (
            "!has(oldSelf.chain) || (has(self.chain) && self.chain.targetUid == oldSelf.chain.targetUid"
            " && self.chain.historyEndsAt == oldSelf.chain.historyEndsAt"
            f" && {_same_way_back('self.chain', 'oldSelf.chain')}"
            " && oldSelf.chain.revisions.all(old, self.chain.revisions.exists(new, new == old)))"
        ),
        "what a chain keeps of the first T0 is never changed, and no revision leaves it",
    ),
    (
        (
            "!has(self.chain) || has(oldSelf.chain) || (has(oldSelf.target)"
            " && self.chain.targetUid == oldSelf.target.uid"
            " && self.chain.historyEndsAt == oldSelf.target.historyEndsAt"
            f" && {_same_way_back('self.chain', 'oldSelf')})"
        ),
        "a chain begins with the target, the history and the way back of the first T0",
    ),
    (
        (
            "!has(self.chain) || !has(self.t0) || (has(self.target) && self.target.uid == self.chain.targetUid"
            " && self.target.historyEndsAt == self.chain.historyEndsAt"
            " && self.chain.revisions.all(each, each.t0 <= self.t0)"
            " && (!has(self.previous) || (has(self.chain.previous)"
            " && self.previous.templateHash == self.chain.previous.templateHash)))"
        ),
        ("in a chain T0 never moves back, and what is compared with and gone back to is that of the first T0"),
    ),
    (
        (
            "!has(oldSelf.checkpoints) || oldSelf.checkpoints.size() == 0 || (!has(self.t0) && "
            f"{_RETAKEN}) || (has(self.checkpoints)"
            f" && self.checkpoints.size() == oldSelf.checkpoints.size() + {_MORE}"
            " + (self.checkpoints.exists(each, has(each.guard)) && !oldSelf.checkpoints.exists(each, has(each.guard))"
            " ? 1 : 0)"
            " && oldSelf.checkpoints.all(old, self.checkpoints.exists(new, new.name == old.name)))"
        ),
        (
            "the checkpoints are written once: none is dropped or renamed, and one is added only by a person's Extend,"
            " or by the guards, once"
        ),
    ),
    (
        (
            "!has(oldSelf.approvals) || (has(self.approvals)"
            " && oldSelf.approvals.all(old, self.approvals.exists(new, new.uid == old.uid)))"
        ),
        "what a person did stays recorded",
    ),
    (
        (
            "!has(oldSelf.t0) || !has(self.t0) || (has(self.signalSets) == has(oldSelf.signalSets)"
            " && (!has(self.signalSets) || self.signalSets == oldSelf.signalSets))"
        ),
        "the signal sets are those of T0",
    ),
    (
        f"!has(oldSelf.baseline) || has(self.baseline) || (!has(self.t0) && {_RETAKEN})",
        "evidence that was frozen stays: a rollback and every verdict rest on it",
    ),
    (
        (
            f"!has(oldSelf.t0) || !has(self.t0) || ({_same_judged('self', 'oldSelf')}"
            f" && (({_same_revision('previous', 'self', 'oldSelf')}) || ({_PREVIOUS_IS_GONE})))"
        ),
        "which object is judged, which revision, and which one is gone back to, is that of T0",
    ),
    (
        (
            f"{_NOT_FROZEN} || !has(oldSelf.members) || (has(self.members) && oldSelf.members.all(old,"
            " self.members.exists(new, new.kind == old.kind && new.name == old.name"
            f" && {_same_judged('new', 'old')} && {_same_revision('previous', 'new', 'old')} && {_SAME_KEPT})))"
        ),
        "what is judged and gone back to of the workloads beside the target is that of the frozen T0 evidence",
    ),
    ("!has(oldSelf.act) || has(self.act)", "an intent is never removed"),
    ("!has(oldSelf.recovery) || has(self.recovery)", "what followed a rollback is never removed"),
    (
        f"!has(oldSelf.phase) || !(oldSelf.phase in {_FINAL}) || self.?phase.orValue('') == oldSelf.phase",
        "a final phase is final",
    ),
)
"""Each a rule, and what is wrong where it does not hold."""

"""How people take a release back themselves: by a revert in Git, or by one patch that stands beside the report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from driftreview.api.act import ActType, Do
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.verdicts import Recommendation
from driftreview.domain.display import printable, some
from driftreview.domain.evidence import canonical
from driftreview.domain.kinds import as_kubectl_says
from driftreview.domain.pausing import how_paused, how_to_unpause
from driftreview.domain.podtemplate import tells_secrets
from driftreview.domain.report import beside
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Sentence, Tone
from driftreview.domain.reporting import config_map_name
from driftreview.domain.status import condition
from driftreview.domain.steps import is_half_back
from driftreview.domain.ways import pinned_way_back, resumes
from driftreview.domain.workload import lets_go

FILE: Final = "way-back.json"
MOST_BYTES: Final = 32 * 1024
"""Of a pod template that is shown whole."""
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_OVER: Final = frozenset({Phase.ROLLED_BACK, Phase.PROMOTED, Phase.SUPERSEDED})
"""There is nothing to take back any more, or not what was judged."""


def owned(material: Material) -> Iterator[Sentence]:
    """What else owns the target, and what follows from it."""
    found = condition(material.review.status, ConditionType.OWNED_BY_GIT)
    if found is not None:
        evidence = [material.of_review("status.conditions[OwnedByGit]")]
        yield Sentence(text=found.message, tone=Tone.OPEN if found.status == "True" else Tone.PLAIN, evidence=evidence)


def steps(material: Material) -> Iterator[Sentence]:
    """What a person does to take the release back, as long as it runs; and to end a pause, once it does not."""
    review, status = material.review, material.review.status
    target = f"{review.spec.target.kind.lower()}/{review.spec.target.name}"
    if _is_wanted(material) or is_half_back(status.act) or status.not_back:
        field = [material.of_review("status.previous"), material.ref(material.at_t0, field="spec.previous")]
        owner = condition(status, ConditionType.OWNED_BY_GIT)
        if owner is not None and owner.status == "True" and status.phase not in _OVER:
            yield Sentence(text=_in_git(material), tone=Tone.OPEN, evidence=field)
        if way_back(material) is not None:
            name, namespace = config_map_name(review.metadata.name), review.metadata.namespace
            yield from _held(material)
            part = "" if _template(material) or _empties(material) else ", which has the images only"
            command = (
                f"kubectl get configmap {name} -n {namespace} -o "
                rf"jsonpath='{{.data.way-back\.json}}' > {FILE} && kubectl patch {target} -n {namespace} --type=json "
                f"--patch-file {FILE}"
            )
            text = f"To take it back by hand, apply {FILE}{part}"
            yield Sentence(text=text, command=command, tone=Tone.OPEN, evidence=field)
        yield from beside.steps(material)
    if status.act is not None and status.act.pause is not None:
        pause = status.act.pause
        text = f"What owns the target {how_paused(pause)}; if it still is, end the pause once Git has what is to run"
        command = how_to_unpause(pause, target)
        yield Sentence(text=text, command=command, tone=Tone.OPEN, evidence=[material.of_review("status.act")])


def _held(material: Material) -> Iterator[Sentence]:
    """What has to be undone before a patch by hand reaches the pods."""
    review, rollback = material.review, material.review.status.rollback
    found = beside.held(review.spec.target, review.metadata.namespace, rollback.check if rollback else None)
    if resumes(review) and not (review.status.act and review.status.act.applied_at):
        command = lets_go(Reason.TARGET_PAUSED, as_kubectl_says(review.spec.target), review.metadata.namespace)
        found = beside.reaches_no_pod(f"the rollout of {review.spec.target} is paused to be reviewed"), command
    if found is not None:
        evidence = [material.of_review("status.rollback"), material.of_review("spec.rollout")]
        yield Sentence(text=found[0], command=found[1], tone=Tone.OPEN, evidence=evidence)


def way_back(material: Material) -> str | None:
    """A JSON patch of the target that puts the previous pod template back, or leaves no pods; None if none is wanted.

    Only the images where the template holds what looks like a secret, which no report shows, or is too large.
    """
    if not _is_wanted(material):
        return None
    if _empties(material):
        return json.dumps([{"op": "replace", "path": "/spec/replicas", "value": 0}], indent=1) + "\n"
    template = _template(material)
    patch: list[dict[str, Any]] = (
        [{"op": "replace", "path": "/spec/template", "value": template}] if template else list(_images(material))
    )
    return json.dumps(patch, indent=1, sort_keys=True) + "\n" if patch else None


def _is_wanted(material: Material) -> bool:
    status = material.review.status
    rejected = status.decision is not None and status.decision.recommendation is not Recommendation.APPROVE
    runs = status.phase not in _OVER or str(material.review.spec.target) in status.not_back
    wanted = rejected and runs and not _is_back(material)
    return wanted and (status.previous is not None or _empties(material))


def _is_back(material: Material) -> bool:
    """Whether a rollback gave the target its way back already, and it did not return: there are only pods to mend."""
    status, act = material.review.status, material.review.status.act
    done = act is not None and act.type is ActType.ROLL_BACK and act.applied_at is not None
    return done and str(material.review.spec.target) not in status.not_back


def _empties(material: Material) -> bool:
    """Whether a rollback takes the pods away, and leaves the pod template."""
    return pinned_way_back(material.review) is Do.SCALE


def _in_git(material: Material) -> str:
    review = material.review
    revision, judged = review.spec.context.revision, review.status.judged
    how = f"git revert {revision}" if _COMMIT.fullmatch(revision) else "revert the commit that brought it"
    moved = [f"{container}: {printable(new)} -> {printable(old)}" for container, new, old in _changed(material)]
    images = f", so that the images go back: {some(moved)}" if moved else ""
    return f"Take {judged.name if judged else 'the release'} back in Git: {how}{images}"


def _template(material: Material) -> dict[str, Any]:
    """The previous pod template, if it may be shown; else nothing."""
    frozen = material.at_t0.evidence.spec.previous if material.at_t0 else None
    if frozen is None or len(canonical(frozen.template)) > MOST_BYTES or tells_secrets(frozen.template):
        return {}
    return frozen.template


def _changed(material: Material) -> Iterator[tuple[str, str, str]]:
    """Each container whose image the release changed, with the new and the old one."""
    status = material.review.status
    before = {each.container: each.image for each in (status.previous.images if status.previous else ())}
    for each in status.judged.images if status.judged else ():
        if each.container in before and before[each.container] != each.image:
            yield each.container, each.image, before[each.container]


def _images(material: Material) -> Iterator[dict[str, Any]]:
    """The same as operations of a JSON patch, each only on the container that it is meant for."""
    judged = material.review.status.judged
    places = {each.container: index for index, each in enumerate(judged.images if judged else ())}
    for container, _, old in _changed(material):
        where = f"/spec/template/spec/containers/{places[container]}"
        yield {"op": "test", "path": f"{where}/name", "value": container}
        yield {"op": "replace", "path": f"{where}/image", "value": old}

"""One changed byte anywhere in a bundle is found."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.bundle.archive import pack, unpack
from driftreview.bundle.errors import BundleError
from driftreview.bundle.verify import prove
from driftreview.domain.recheck import differences, earlier, looked
from tests import reportdata
from tests.reportdata import Taken
from tests.support.bundles import bundle

STATES = st.sampled_from(["watching", "retaken", "approved", "rejected"])


@cache
def whole(state: str) -> bytes:
    packed = bundle(state)
    assert prove(packed).judged >= 1
    return packed


@given(state=STATES, data=st.data())
def test_one_changed_byte_anywhere_is_found(state: str, data: st.DataObject) -> None:
    packed = whole(state)
    place = data.draw(st.integers(0, len(packed) - 1))
    other = data.draw(st.integers(1, 255))
    altered = packed[:place] + bytes([packed[place] ^ other]) + packed[place + 1 :]
    with pytest.raises(BundleError):
        prove(altered)


@given(state=STATES, data=st.data())
def test_one_changed_byte_of_any_file_is_found_though_the_archive_was_made_anew(
    state: str, data: st.DataObject
) -> None:
    files = unpack(whole(state))
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    old = files[name]
    new = old[:place] + bytes([old[place] ^ data.draw(st.integers(1, 255))]) + old[place + 1 :]
    try:
        found = prove(pack(files | {name: new}))
    except BundleError:
        return
    # Which version wrote it is said nowhere else.
    same = prove(whole(state))
    assert name == "manifest.json"
    assert found.bundle.manifest == same.bundle.manifest.model_copy(update={"tool": found.bundle.manifest.tool})
    assert found.notes == same.notes


@given(STATES, st.integers(0, 2**16), st.binary(max_size=64))
def test_what_is_cut_off_or_added_is_found(state: str, cut: int, more: bytes) -> None:
    packed = whole(state)
    for altered in (packed[: -(1 + cut % len(packed))], packed + more if more else packed[1:]):
        with pytest.raises(BundleError):
            prove(altered)


@cache
def taken(state: str) -> Taken:
    return reportdata.taken(reportdata.STATES[state]())


@given(index=st.integers(0, 5), data=st.data())
def test_one_changed_character_of_what_a_person_did_is_found_though_every_hash_was_made_anew(
    index: int, data: st.DataObject
) -> None:
    review, snapshots, approvals = taken("approved")
    record = review.status.approvals[index]
    field = data.draw(st.sampled_from([name for name in ("by", "name", "message") if getattr(record, name)]))
    old = getattr(record, field)
    place = data.draw(st.integers(0, len(old) - 1))
    new = old[:place] + data.draw(st.characters(codec="utf-8", exclude_characters=old[place])) + old[place + 1 :]
    forged = record.model_copy(update={field: new})
    records = [forged if each is record else each for each in review.status.approvals]
    changed = review.model_copy(update={"status": review.status.model_copy(update={"approvals": records})})
    there = any(each.metadata.uid == record.uid for each in approvals)
    found = list(differences(changed, looked(changed, snapshots), earlier(changed, snapshots), approvals, None))
    assert bool(found) is there, "of one that was deleted there is nothing but the record"


@given(st.dictionaries(st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8})?", fullmatch=True), st.binary(max_size=2000)))
def test_what_is_packed_is_unpacked(files: dict[str, bytes]) -> None:
    assert unpack(pack(files)) == files
    assert pack(files) == pack(dict(reversed(files.items())))

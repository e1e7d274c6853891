"""One changed byte anywhere in a bundle is found."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.bundle.archive import pack, unpack
from driftreview.bundle.errors import BundleError
from driftreview.bundle.verify import prove
from tests.support.bundles import bundle


@cache
def whole() -> bytes:
    packed = bundle("watching")
    assert prove(packed).judged == 1
    return packed


@given(st.data())
def test_one_changed_byte_anywhere_is_found(data: st.DataObject) -> None:
    packed = whole()
    place = data.draw(st.integers(0, len(packed) - 1))
    other = data.draw(st.integers(1, 255))
    altered = packed[:place] + bytes([packed[place] ^ other]) + packed[place + 1 :]
    with pytest.raises(BundleError):
        prove(altered)


@given(st.data())
def test_one_changed_byte_of_any_file_is_found_though_the_archive_was_made_anew(data: st.DataObject) -> None:
    files = unpack(whole())
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    old = files[name]
    new = old[:place] + bytes([old[place] ^ data.draw(st.integers(1, 255))]) + old[place + 1 :]
    try:
        found = prove(pack(files | {name: new}))
    except BundleError:
        return
    # Which version wrote it is said nowhere else: that the report was not compared for it is a note.
    same = prove(whole())
    assert name == "manifest.json"
    assert found.bundle.manifest == same.bundle.manifest.model_copy(update={"tool": found.bundle.manifest.tool})
    assert len(found.notes) == len(same.notes) + 1


@given(st.integers(0, 2**16), st.binary(max_size=64))
def test_what_is_cut_off_or_added_is_found(cut: int, more: bytes) -> None:
    packed = whole()
    for altered in (packed[: -(1 + cut % len(packed))], packed + more if more else packed[1:]):
        with pytest.raises(BundleError):
            prove(altered)


@given(st.dictionaries(st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8})?", fullmatch=True), st.binary(max_size=2000)))
def test_what_is_packed_is_unpacked(files: dict[str, bytes]) -> None:
    assert unpack(pack(files)) == files
    assert pack(files) == pack(dict(reversed(files.items())))

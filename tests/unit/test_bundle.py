"""A bundle proves a review, and whatever was done to it afterwards is found and named."""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError

from driftreview.bundle import archive
from driftreview.bundle.archive import pack, unpack
from driftreview.bundle.contents import MANIFEST, in_clear, read, write
from driftreview.bundle.errors import BundleError, SigningKeyError, readable
from driftreview.bundle.signing import is_signed, signature
from driftreview.bundle.verify import prove
from driftreview.domain.evidence import content_hash
from driftreview.domain.recheck import UNPROVED
from driftreview.domain.report.build import report
from tests.builders import HOUR, MINUTE
from tests.reportdata import STATES, after
from tests.support.bundles import Raw, bundle, objects
from tests.unit.test_chaining import life, releases

PRIVATE = ed25519.Ed25519PrivateKey.generate()
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
OTHER = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("state", STATES)
def test_the_bundle_of_every_state_is_proved(state: str) -> None:
    proof = prove(bundle(state))
    assert proof.chained == len(proof.bundle.snapshots)
    assert proof.judged == sum(1 for each in proof.bundle.snapshots.values() if each.spec.checkpoint != "T0")
    assert proof.bundle.manifest.name == "release"


def test_what_is_counted_was_compared_and_what_nothing_proves_is_said() -> None:
    proof = prove(bundle("watching"))
    assert (proof.chained, proof.judged) == (2, 1)
    review, snapshots, approvals = objects(STATES["watching"]())
    _, more, _ = objects(after(125 * MINUTE, 90 * MINUTE))
    between = prove(write(review, [*snapshots, *more[2:]], approvals))  # the next look is frozen, and not judged yet
    assert (between.chained, between.judged) == (3, 1)
    for each in UNPROVED:
        assert each in proof.notes[-1]


def test_the_same_objects_give_the_same_bytes_that_any_tar_can_read() -> None:
    first, second = bundle(), bundle()
    assert first == second
    review, snapshots, approvals = objects(STATES["promoted"]())
    assert write(review, snapshots[::-1], approvals) == first
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(first))) as found:
        assert found.getnames() == [
            *("manifest.json", "report/review.html", "report/review.json", "report/review.md", "review.json"),
            *("snapshots/00-t0.json", "snapshots/01-1h.json", "snapshots/02-2h.json", "snapshots/03-4h.json"),
        ]
        assert {(each.mtime, each.uid, each.uname) for each in found} == {(0, 0, "")}


def test_who_wrote_which_field_is_left_out_and_what_people_did_is_in() -> None:
    review, snapshots, approvals = objects(STATES["rejected"]())
    for each in approvals:
        each["metadata"]["managedFields"] = []
    packed = write(review, snapshots, approvals[::-1])
    found = unpack(packed)
    assert not any(b"managedFields" in each for each in found.values())
    assert json.loads(found["approvals/0001.json"])["spec"]["message"] == "customers cannot pay"
    assert len(prove(packed).bundle.approvals) == 2


def test_more_acts_than_a_bundle_has_room_for_are_left_off_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftreview.bundle.contents.MOST_APPROVALS", 3)
    review, snapshots, approvals = objects(STATES["rejected"]())
    metadata = approvals[0]["metadata"] | {"creationTimestamp": "2030-01-01T00:00:00Z"}
    late = [approvals[0] | {"metadata": metadata | {"name": f"a{each}", "uid": f"more-{each}"}} for each in range(5)]
    proof = prove(write(review, snapshots, late + approvals))
    assert len(proof.bundle.approvals) == 3
    assert {each["metadata"]["uid"] for each in approvals} < {
        each.metadata.uid for each in proof.bundle.approvals.values()
    }
    assert any(each.startswith("4 more DriftApprovals were left off") for each in proof.notes)


def changed(what: Callable[[Raw, list[Raw]], None], state: str = "promoted") -> bytes:
    """A bundle that somebody made of objects that were altered, with hashes to match."""
    review, snapshots, approvals = objects(STATES[state]())
    what(review, snapshots)
    return write(review, snapshots, approvals)


CHAINED = [f"snapshots/{each}.json" for each in ("00-t0", "01-1h", "02-2h", "04-t0-2", "05-1h-2", "08-t0-3", "09-1h-3")]
"""Of a review that judged three revisions, in their order."""


def chained(what: Callable[[list[Raw]], object] = lambda _: None) -> bytes:
    """The bundle of a review that went on with two more revisions, the looks of the earlier ones altered."""
    review, snapshots, approvals = objects(
        releases(releases(life(2 * HOUR + 10 * MINUTE), "newer", wait=90 * MINUTE), "newest", wait=80 * MINUTE)
    )
    by_name = {each["metadata"]["name"].removeprefix("release-review-u-"): each for each in snapshots}
    ordered = [by_name[name.partition("/")[2][3:-5]] for name in CHAINED]
    assert len(by_name) == len(ordered)
    what(ordered)
    return write(review, ordered, approvals)


class TestTheLooksOfAChain:
    def test_are_in_the_bundle_in_their_order_and_it_says_what_is_proved_of_them(self) -> None:
        packed = chained()
        assert [name for name in sorted(unpack(packed)) if name.startswith("snapshots/")] == CHAINED
        proof = prove(packed)
        assert (proof.chained, proof.judged) == (4, 1)
        assert (
            "3 looks from before T0 was last taken: unaltered, each linked to its T0; what they came to, and whether "
            "there were more, is kept nowhere"
        ) in proof.notes
        assert not any("no part of the chain" in each for each in proof.notes)

    def test_also_without_what_the_cluster_lost_of_them(self) -> None:
        assert prove(chained(lambda found: found.pop(2))).judged == 1
        only_t0s = prove(chained(lambda found: [found.pop(each) for each in (4, 2, 1)]))
        assert not any("from before T0" in each for each in only_t0s.notes)

    @pytest.mark.parametrize("number", [1, 2, 4])
    @pytest.mark.parametrize(
        ("field", "value", "sealed"),
        [
            ("reviewRef", {"name": "release", "uid": "another"}, True),
            ("checkpoint", "4h", True),
            ("previousHash", "sha256:" + "0" * 64, True),
            ("source", "another", False),
        ],
    )
    def test_one_that_was_altered_is_found(self, number: int, field: str, value: object, *, sealed: bool) -> None:
        def lie(found: list[Raw]) -> None:
            found[number]["spec"] |= {field: value}
            if sealed:
                reseal(found[number])

        said = difference(chained(lie))
        assert said.startswith(f"{CHAINED[number]}: spec.")
        assert (f": spec.{field}" if sealed else ": spec.hash") in said

    def test_one_of_another_revision_is_found(self) -> None:
        def lie(found: list[Raw]) -> None:
            found[1]["spec"]["judged"] = found[4]["spec"]["judged"]
            reseal(found[1])

        assert f"{CHAINED[1]}: spec.judged.name: stored is web-newer, the evidence says web-new" in difference(
            chained(lie)
        )

    def test_one_that_was_put_in_the_place_of_another_is_found(self) -> None:
        def lie(found: list[Raw]) -> None:
            found[1]["spec"], found[2]["spec"] = found[2]["spec"], found[1]["spec"]

        assert f"{CHAINED[1]}: spec.checkpoint: stored is 2h, the evidence says 1h" in difference(chained(lie))

    def test_one_that_was_taken_out_from_between_is_found(self) -> None:
        said = difference(chained(lambda found: found.pop(1)))
        assert f"{CHAINED[2]}: spec.previousHash" in said

    def test_a_t0_that_is_gone_is_found(self) -> None:
        assert difference(chained(lambda found: found.pop(0)))
        assert difference(chained(lambda found: found.pop(3)))


def difference(packed: bytes, public_pem: bytes | None = None) -> str:
    with pytest.raises(BundleError) as found:
        prove(packed, public_pem)
    return str(found.value)


def reseal(snapshot: Raw) -> None:
    snapshot["spec"]["hash"] = content_hash(snapshot["spec"] | {"hash": ""})


class TestWhatIsFound:
    """The first difference, with its path, although all hashes of the bundle were made anew."""

    def test_a_verdict_that_was_changed(self) -> None:
        def lie(review: Raw, _: list[Raw]) -> None:
            review["status"]["checkpoints"][2]["verdict"] = review["status"]["verdict"] = "Drift"

        expected = "review.json: status.checkpoints[2].verdict: stored is Drift, the evidence says Pass"
        assert difference(changed(lie)) == expected

    @pytest.mark.parametrize(
        ("state", "path", "value"),
        [
            ("rolled-back", "phase", "Promoted"),
            ("promoted", "phase", "Decided"),
            ("promoted", "act", None),
            ("promoted", "decision", None),
            ("rolled-back", "verdict", "Pass"),
            ("promoted", "t0", "2020-01-01T00:00:00Z"),
            ("promoted", "judged.templateHash", "sha256:0"),
            ("promoted", "judged.images", [{"container": "app", "image": "example.org/web:other"}]),
            ("promoted", "previous.name", "web-older"),
            ("promoted", "previous", None),
            ("promoted", "target.historyEndsAt", "2020-01-01T00:00:00Z"),
            ("promoted", "rollback.closesAt", "2020-01-01T00:00:00Z"),
            ("promoted", "rollback.lastSafeMoment", "2020-01-01T00:00:00Z"),
            ("promoted", "checkpoints.1.due", "2020-01-01T00:00:00Z"),
            ("promoted", "checkpoints.2", None),
        ],
    )
    def test_a_status_that_contradicts_itself_or_what_is_frozen(self, state: str, path: str, value: object) -> None:
        def lie(review: Raw, _: list[Raw]) -> None:
            *way, last = (int(each) if each.isdigit() else each for each in path.split("."))
            found = review["status"]
            for each in way:
                found = found[each]
            if value is None:
                del found[last]
            else:
                found[last] = value

        assert difference(changed(lie, state)).startswith("review.json: status.")

    @pytest.mark.parametrize("dropped", [[], ["evidence"], ["baseline"], ["baseline", "evidence"]])
    def test_a_rollback_that_is_said_to_be_a_promotion(self, dropped: list[str]) -> None:
        def lie(review: Raw, snapshots: list[Raw]) -> None:
            status = review["status"]
            for row in (each for each in status["checkpoints"] if "verdict" in each):
                row |= {"verdict": "Pass", "message": "all enforced signals (1) pass"}
                row["signals"] = [each | {"verdict": "Stable"} for each in row["signals"]]
            status |= {"verdict": "Pass", "phase": "Promoted", "summary": "web-new is approved"}
            status["act"]["type"] = "Promote"
            status["decision"] |= {"recommendation": "APPROVE", "reason": "SignalsPassed"}
            if "baseline" in dropped:
                del status["baseline"]
            if "evidence" in dropped:
                snapshots.clear()

        assert difference(changed(lie, "rolled-back"))

    @pytest.mark.parametrize("judged", [[], ["verdict"], ["verdict", "snapshot", "judgedAt", "message", "signals"]])
    def test_what_was_promoted_without_a_baseline_or_a_last_look(self, judged: list[str]) -> None:
        def lie(review: Raw, _: list[Raw]) -> None:
            for each in judged:
                del review["status"]["checkpoints"][2][each]
            if not judged:
                del review["status"]["baseline"]

        assert difference(changed(lie)).startswith("review.json: status.")

    def test_samples_without_a_baseline_that_would_be_held_against_them(self) -> None:
        def lie(review: Raw, snapshots: list[Raw]) -> None:
            del review["status"]["baseline"]
            series = snapshots[2]["spec"]["signals"][0]["series"][0]
            series["values"] = series["values"].replace("1", "2", 1)

        assert difference(changed(lie)).startswith("snapshots/02-2h.json: spec.hash: stored is")

    def test_a_row_that_was_judged_at_the_end_of_time(self) -> None:
        def lie(review: Raw, _: list[Raw]) -> None:
            review["status"]["checkpoints"][0]["judgedAt"] = "9999-12-31T23:59:59Z"

        assert difference(changed(lie)).startswith("review.json: status.")

    def test_a_cell_of_a_row(self) -> None:
        def lie(review: Raw, _: list[Raw]) -> None:
            review["status"]["checkpoints"][0]["signals"][0]["current"] = "1 ms"

        assert difference(changed(lie)).startswith("review.json: status.checkpoints[0].signals[latency].current")

    def test_a_spec_that_was_made_more_tolerant(self) -> None:
        def lie(review: Raw, _: list[Raw]) -> None:
            review["spec"]["signals"][0]["margin"]["relative"] = "50%"

        assert difference(changed(lie, "rolled-back")).startswith("review.json: spec: stored is sha256:")

    def test_samples(self) -> None:
        def lie(_: Raw, snapshots: list[Raw]) -> None:
            series = snapshots[2]["spec"]["signals"][0]["series"][0]
            series["values"] = series["values"].replace("1", "2", 1)

        assert difference(changed(lie)).startswith("snapshots/02-2h.json: spec.hash: stored is")

    def test_samples_that_were_sealed_anew(self) -> None:
        def lie(_: Raw, snapshots: list[Raw]) -> None:
            snapshots[2]["spec"]["signals"][0]["unit"] = "min"
            reseal(snapshots[2])

        assert difference(changed(lie)).startswith("review.json: status.checkpoints[1].snapshot.hash")

    def test_samples_that_were_sealed_anew_with_a_status_to_match(self) -> None:
        def lie(review: Raw, snapshots: list[Raw]) -> None:
            snapshots[2]["spec"]["signals"][0]["unit"] = "min"
            reseal(snapshots[2])
            review["status"]["checkpoints"][1]["snapshot"]["hash"] = snapshots[2]["spec"]["hash"]

        assert difference(changed(lie)).startswith("snapshots/03-4h.json: spec.previousHash")

    def test_samples_that_are_none(self) -> None:
        def lie(review: Raw, snapshots: list[Raw]) -> None:
            snapshots[3]["spec"]["signals"][0]["series"][0]["values"] = "much"
            reseal(snapshots[3])
            review["status"]["checkpoints"][2]["snapshot"]["hash"] = snapshots[3]["spec"]["hash"]

        review, snapshots, approvals = objects(STATES["promoted"]())
        harmless = unpack(write(review, snapshots, approvals))
        lie(review, snapshots)
        forged = {"review.json": review, "snapshots/03-4h.json": snapshots[3]}
        assert difference(repacked(harmless, forged)).startswith("snapshots: the evidence cannot be read")

    @pytest.mark.parametrize(
        ("field", "value"), [("values", "0%"), ("values", "nan"), ("longestOver", "-"), ("values", "1e999")]
    )
    def test_evidence_that_makes_no_sense(self, field: str, value: str) -> None:
        review, snapshots, approvals = objects(STATES["promoted"]())
        harmless = unpack(write(review, snapshots, approvals))
        snapshots[3]["spec"]["signals"][0]["series"][0][field] = value
        reseal(snapshots[3])
        review["status"]["checkpoints"][2]["snapshot"]["hash"] = snapshots[3]["spec"]["hash"]
        forged = repacked(harmless, {"review.json": review, "snapshots/03-4h.json": snapshots[3]})
        assert "snapshots" in difference(forged)
        unreadable = r"^snapshots: the evidence cannot be read: |must be a duration"
        with pytest.raises((BundleError, ValidationError), match=unreadable):
            write(review, snapshots, approvals)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("previous", '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"),
            ("previous", '{"a":' + "[" * 900 + "]" * 900 + "}"),
            ("signalSets", "[" * 300_000),
            ("series", [{"values": "1", "samples": 1, "expected": 1, "silent": 10**9}]),
            ("series", [{"values": "1", "samples": 1, "expected": 1, "longestOver": "100000h"}]),
            ("series", [{"values": "1", "samples": 1, "expected": 1}] * 2),
        ],
    )
    def test_what_would_make_a_reader_fail(self, field: str, value: Any) -> None:
        review, snapshots, approvals = objects(STATES["promoted"]())
        harmless, spec = unpack(write(review, snapshots, approvals)), snapshots[0]["spec"]
        digest = "sha256:" + "0" * 64
        if field == "previous":
            spec["previous"]["template"] = value
        elif field == "series":
            spec["signals"][0]["series"] = value
        else:
            pinned = {"kind": "SignalSet", "name": "x", "hash": digest, "signalsHash": digest, "signals": value}
            spec["signalSets"] = [pinned]
        forged = repacked(harmless, {"snapshots/00-t0.json": snapshots[0]})
        assert "snapshots" in difference(forged)
        with suppress(BundleError), readable():  # as `report -f` does
            found = read(forged)
            report(found.review, list(found.snapshots.values()))

    def test_a_name_that_stands_in_an_object_twice(self) -> None:
        found = unpack(bundle())
        twice = found["review.json"].replace(b'"spec":', b'"spec":{},"spec":', 1)
        assert "stands in one object more than once" in difference(repacked(found, {"review.json": twice}))

    def test_a_snapshot_that_was_left_out(self) -> None:
        assert "there is no such snapshot" in difference(changed(lambda _, snapshots: snapshots.pop(0) and None))

    def test_a_report_that_says_something_else(self) -> None:
        found = unpack(bundle())
        lied = found["report/review.md"].replace(b"APPROVE", b"REJECT")
        assert difference(repacked(found, {"report/review.md": lied})) == (
            "report/review.md: it is not the report that this evidence gives"
        )

    def test_a_file_too_many_too_few_and_changed(self) -> None:
        found = unpack(bundle())
        assert difference(pack(found | {"more.json": b"{}"})) == "more.json: it is not named in the manifest"
        without = {name: each for name, each in found.items() if name != "snapshots/01-1h.json"}
        assert difference(pack(without)) == "snapshots/01-1h.json: it is named in the manifest and not there"
        assert difference(pack(found | {"review.json": b"{}"})).startswith("review.json: its hash is")

    def test_a_document_that_is_none(self) -> None:
        assert difference(repacked(unpack(bundle()), {"review.json": b"[]"})).startswith("review.json: ")
        assert difference(pack({"a": b""})) == "manifest.json: it is not there"


def repacked(found: dict[str, bytes], forged: dict[str, Any]) -> bytes:
    """The same bundle with other files, and a manifest to match."""
    written = {name: each if isinstance(each, bytes) else json.dumps(each).encode() for name, each in forged.items()}
    manifest = json.loads(found[MANIFEST])
    manifest["files"] |= {name: f"sha256:{hashlib.sha256(each).hexdigest()}" for name, each in written.items()}
    return pack(found | written | {MANIFEST: listed(manifest)})


def listed(manifest: Raw) -> bytes:
    return json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"


def test_a_report_of_another_version_is_proved_if_it_is_the_same_and_otherwise_it_is_said_that_it_is_not() -> None:
    found = unpack(bundle())
    manifest = json.loads(found[MANIFEST]) | {"tool": "0.0.1"}
    assert prove(pack(found | {MANIFEST: listed(manifest)})).notes == prove(bundle()).notes
    forged = repacked(found | {MANIFEST: listed(manifest)}, {"report/review.md": b"APPROVE"})
    (note,) = set(prove(forged).notes) - set(prove(bundle()).notes)
    assert note.startswith("report/review.md is not proved, nor is the rest of the report: the manifest says that")
    assert note.endswith("; verify with version 0.0.1")


@pytest.mark.parametrize("name", ["report/way-back.json", "report/other.md", "other.json"])
def test_a_file_that_no_export_writes_is_found(name: str) -> None:
    assert difference(repacked(unpack(bundle()), {name: b"{}"})) == (
        f"{name}: it is not the report that this evidence gives"
    )


def test_a_manifest_of_another_format_or_review_is_refused() -> None:
    found = unpack(bundle())
    manifest = json.loads(found[MANIFEST])
    other = pack(found | {MANIFEST: listed(manifest | {"version": 2})})
    assert difference(other).startswith("manifest.json: it is of format 2")
    for forgery in (listed(manifest | {"name": "other"}), listed(manifest) + b" "):
        assert difference(pack(found | {MANIFEST: forgery})).startswith(
            "manifest.json: it is not the one of shop/release"
        )


class TestSignature:
    """Who can write the whole bundle cannot sign it."""

    def test_a_signed_bundle_is_proved_by_the_public_key_and_no_other(self) -> None:
        signed = bundle(private_pem=PEM)
        assert signed == bundle(private_pem=PEM)
        assert len(prove(signed, PUBLIC).notes) == 1
        assert difference(signed, OTHER) == "manifest.sig: it is not of this manifest and that key"
        assert prove(signed).notes[0].startswith("signed, but no --public-key")

    def test_one_that_is_not_signed_is_not_proved_by_a_key(self) -> None:
        assert difference(bundle(), PUBLIC) == "manifest.sig: it is not there: the bundle is not signed"
        assert prove(bundle()).notes[0].startswith("not signed")

    def test_a_forged_manifest_is_found_by_the_signature_alone(self) -> None:
        found = unpack(bundle(private_pem=PEM))
        other = listed(json.loads(found[MANIFEST]) | {"tool": "0.0.1"})
        assert prove(pack(found | {MANIFEST: other})).judged == 3
        assert difference(pack(found | {MANIFEST: other}), PUBLIC).startswith("manifest.sig")

    def test_what_is_no_key_is_refused_without_a_word_of_it(self) -> None:
        curve = ec.generate_private_key(ec.SECP256R1())
        wrong = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for each in (b"secret-words", wrong, PUBLIC):
            with pytest.raises(SigningKeyError) as found:
                signature(b"", each)
            assert "secret" not in str(found.value)
        for each in (b"secret-words", public, PEM):
            with pytest.raises(SigningKeyError):
                is_signed(b"", b"", each)
        assert not is_signed(b"", b"no base64!", PUBLIC)


def tarred(*entries: tarfile.TarInfo, form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A bundle whose outside is right, with these entries."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=form) as found:
        for each in entries:
            found.addfile(each, io.BytesIO(b"x" * each.size))
    return squeezed(plain.getvalue())


def squeezed(content: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return archive._sealed(stream.compress(content) + stream.flush() + b"\0" * 8)


def entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.size, found.linkname = kind, size, link
    return found


class TestHostileArchives:
    """Nothing is unpacked that an export would not have written."""

    @pytest.mark.parametrize(
        "bad",
        [
            *(
                entry(name)
                for name in ("/etc/passwd", "../a", "a/../b", "a/b/c", "./a", ".a", "A", "a b", "a\\b", "a/")
            ),
            *(entry("a", kind, link="/etc/passwd") for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE)),
            *(entry("a", kind) for kind in (tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE)),
            entry("a", tarfile.GNUTYPE_SPARSE),
        ],
        ids=lambda bad: f"{bad.name}-{bad.type!r}",
    )
    def test_only_plain_files_of_harmless_names(self, bad: tarfile.TarInfo) -> None:
        with pytest.raises(BundleError):
            unpack(tarred(bad))

    def test_no_name_twice_and_not_too_many(self) -> None:
        with pytest.raises(BundleError, match="harmless"):
            unpack(tarred(entry("a"), entry("a")))
        with pytest.raises(BundleError, match="more than 4096 files"):
            unpack(tarred(*(entry(f"a{number}") for number in range(4097))))

    def test_a_bomb_is_not_unpacked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archive, "MOST_BYTES", 2**20)
        bomb = squeezed(b"\0" * 2**24)
        assert len(bomb) < 2**16
        with pytest.raises(BundleError, match="unpacks to more than"):
            unpack(bomb)
        monkeypatch.setattr(archive, "MOST_PACKED", 100)
        with pytest.raises(BundleError, match="has more than 100 bytes"):
            unpack(bomb)

    @pytest.mark.parametrize("content", [b"", b"x" * 512, b"\xff" * 1024, b"\0" * 1023])
    def test_what_is_no_tar_is_refused_or_empty(self, content: bytes) -> None:
        with pytest.raises(BundleError):
            read(squeezed(content))

    def test_what_is_no_gzip_of_ours_is_refused(self) -> None:
        for each in (b"", b"PK\3\4", gzip.compress(b"x"), archive._sealed(b""), archive._sealed(b"\xff" * 20)):
            with pytest.raises(BundleError):
                unpack(each)

    def test_a_file_that_ends_early_is_refused(self) -> None:
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as found:
            found.addfile(entry("a", size=2000), io.BytesIO(b"x" * 2000))
        with pytest.raises(BundleError):
            unpack(squeezed(plain.getvalue()[:1024]))


def test_what_looks_like_a_secret_in_a_pod_template_is_named_as_a_bundle_holds_it_in_clear() -> None:
    _, snapshots, _ = objects(STATES["promoted"]())
    assert in_clear(snapshots) == []
    container = {
        "name": "web",
        "args": ["--password=hunter2"],
        "env": [
            {"name": "API_TOKEN", "value": "t0ps3cret"},
            {"name": "MODE", "value": "live"},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        ],
    }
    first = snapshots[0]["spec"]
    previous = first["previous"] | {"template": {"spec": {"containers": [container]}}}
    kept = snapshots[0] | {"spec": first | {"previous": previous}}
    assert in_clear([kept, *snapshots[1:], kept]) == ["web: API_TOKEN", "web: its arguments"]

"""What looks like a secret, and what is kept of it."""

import pytest

from driftreview.domain.masking import LONGEST_KEPT, Mask, holds_secret, names_secret, secret_hash, slow_hash


@pytest.mark.parametrize(
    "name",
    ["PASSWORD", "db_pass", "redisPwd", "API_TOKEN", "apikey", "AWS_SECRET_ACCESS_KEY", "GOOGLE_CREDENTIALS",
     "SENTRY_DSN", "Authorization", "TLS_CERT", "SESSION_ID", "SLACK_WEBHOOK", "AzureConnectionString", "--auth"],
)  # fmt: skip
def test_names_that_stand_for_secrets(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["PROFILE", "LOG_LEVEL", "SYMBOLS", "INTERVAL_SECONDS", "BROKER", "LEVERAGE"])
def test_names_that_do_not(name: str) -> None:
    assert not names_secret(name)


@pytest.mark.parametrize(
    "value",
    ["postgres://app:hunter2@db:5432/app", "https://token@example.org/x", "app:hunter2@tcp(db:3306)/app",
     "Server=db;Password=hunter2", '{"apiKey": "hunter2"}', "-Dstore.password=hunter2", "Bearer abc.def",
     "-----BEGIN RSA PRIVATE KEY-----", "eyJhbGciOiJIUzI1NiJ9.e30.x", "a" * (LONGEST_KEPT + 1)],
)  # fmt: skip
def test_values_that_hold_secrets(value: str) -> None:
    assert holds_secret(value)


@pytest.mark.parametrize("value", ["", "dev", "BTC,ETH,SOL", "http://prometheus:9090/api", "60s", "-Xmx2g -server"])
def test_values_that_do_not(value: str) -> None:
    assert not holds_secret(value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["run", "--interval", "60"], ["run", "--interval", "60"]),
        (["--password=hunter2"], ["--password=<{}>"]),
        (["--token", "hunter2", "--port", "1"], ["--token", "<{}>", "--port", "1"]),
        (["DB_PASSWORD=hunter2"], ["DB_PASSWORD=<{}>"]),
        (["--db=postgres://a:hunter2@b"], ["<{}>"]),
        (["sh", "-c", "export TOKEN=hunter2; run"], ["sh", "-c", "<{}>"]),
    ],
)
def test_of_arguments_the_secret_part_is_a_hash(given: list[str], kept: list[str]) -> None:
    mask = Mask("uid")
    said = mask.arguments(given)
    assert len(said) == len(kept)
    for one, expected in zip(said, kept, strict=True):
        assert one == expected.format(*mask.hashed.values())
    assert "hunter2" not in "".join(said)


def test_a_hash_tells_a_change_and_is_another_one_in_another_review() -> None:
    assert slow_hash(b"a", "one") == slow_hash(b"a", "one")
    assert (
        len({slow_hash(b"a", "one"), slow_hash(b"b", "one"), slow_hash(b"a", "other"), slow_hash(b"a", "o", "ne")}) == 4
    )


def test_a_secret_is_its_data_and_is_another_one_under_another_uid() -> None:
    raw = {"metadata": {"uid": "1", "resourceVersion": "5"}, "data": {"token": "MQ=="}, "type": "Opaque"}
    renamed = raw | {"metadata": {"uid": "1", "resourceVersion": "6"}}
    assert secret_hash(raw, "review") == secret_hash(renamed, "review")
    assert secret_hash(raw, "review") != secret_hash(raw | {"data": {"token": "Mg=="}}, "review")
    assert secret_hash(raw, "review") != secret_hash(raw | {"metadata": {"uid": "2"}}, "review")
    assert secret_hash(raw, "review") != secret_hash(raw, "other")


def test_of_too_many_masked_values_only_that_is_said() -> None:
    mask = Mask("uid", hashed={str(number): "x" for number in range(16)})
    assert mask.hash("one more") is None
    assert mask.arguments(["--token=one more"]) == ["--token=<masked>"]

"""Puts on each request what proves who we are: as the Secrets have it, or a token or keys that are had with that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import requests

from driftreview.adapters import clock
from driftreview.adapters.awsidentity import fetch_keys
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.renewed import Renewed
from driftreview.adapters.replies import RefusalError
from driftreview.adapters.sigv4 import sign
from driftreview.adapters.tokens import fetch_token
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.reasons import Reason
from driftreview.api.sourceauth import OAuth2, SigV4
from driftreview.api.values import parse_duration


class Proof:
    """The proof of one metric source; threads may share it."""

    def __init__(self, spec: MetricSourceSpec, credentials: Credentials) -> None:
        """Nothing is fetched before a request needs it."""
        self._own = credentials
        self._sig_v4 = spec.auth.sig_v4 if spec.auth else None
        fetch = _fetch(spec, credentials)
        self._renewed = Renewed(fetch) if fetch else None

    @property
    def credentials(self) -> Credentials:
        """What is sent now, and may therefore come back."""
        return (self._renewed and self._renewed.last) or self._own

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put it on a request.

        Raises:
            RefusalError: it is not to be had.
        """
        current = self._renewed.value() if self._renewed else self._own
        if self._sig_v4 is not None and current.aws is not None:
            sign(request, current.aws, self._sig_v4.region, self._sig_v4.service, clock.now())
        elif current.authorization:
            request.headers["Authorization"] = current.authorization
        return request

    def refused(self) -> None:
        """The server did not take it."""
        if self._renewed:
            self._renewed.refused()


_Fetch = Callable[[Credentials | None], tuple[Credentials, float]]


def _fetch(spec: MetricSourceSpec, own: Credentials) -> _Fetch | None:
    """What fetches that which expires; None where nothing does."""
    seconds = parse_duration(spec.timeout).total_seconds()
    match spec.auth and (spec.auth.oauth2 or spec.auth.sig_v4):
        case OAuth2() as oauth2 if own.client is not None:
            client = own.client

            def by_token(last: Credentials | None) -> tuple[Credentials, float]:
                token, good_for = fetch_token(oauth2, client, own.token_ca_pem, seconds, (last or own).hide)
                return _sendable(replace(own, bearer=token, former=last.bearer if last else None)), good_for

            return by_token
        case SigV4() as sig_v4 if own.aws is None:

            def by_identity(_: Credentials | None) -> tuple[Credentials, float]:
                keys, good_for = fetch_keys(sig_v4.region, seconds)
                return _sendable(replace(own, aws=keys)), good_for

            return by_identity
    return None


def _sendable(credentials: Credentials) -> Credentials:
    if credentials.unsendable:
        raise RefusalError(Reason.UNAUTHORIZED, f"{credentials.unsendable}; mend what gave it")
    return credentials

"""Every reason and verdict: with `phases`, the words that programs match on.

docs/reasons.md is generated from the docstrings here.
"""

from __future__ import annotations

from enum import StrEnum


class SignalVerdict(StrEnum):
    """What is said of one signal at one checkpoint."""

    IMPROVED = "Improved"
    """Better than the baseline by more than the margin."""
    STABLE = "Stable"
    """No difference that can be told from noise."""
    ACCEPTABLE = "Acceptable"
    """Worse, but inside the margin."""
    SUSPECT = "Suspect"
    """Worse by more than the margin, but it could still be noise."""
    DEGRADED = "Degraded"
    """Worse by more than the margin, surely; or over the alert limit."""
    INCONCLUSIVE = "Inconclusive"
    """There is data, but not enough, or nothing sound to hold it against."""
    MISSING = "Missing"
    """There is no data, or too little of the window is covered."""
    RECORDED = "Recorded"
    """Kind Info: written down, not judged."""


class CheckVerdict(StrEnum):
    """What is said of one declared expectation at one checkpoint."""

    HELD = "Held"
    """As it was declared."""
    BROKEN = "Broken"
    """Not as it was declared: the review holds for a person."""
    UNKNOWN = "Unknown"
    """It could not be found out."""


class Verdict(StrEnum):
    """What is said of a checkpoint."""

    PASS = "Pass"  # noqa: S105 - a verdict, not a password
    """Every enforced signal was judged, none is worse beyond its margin."""
    HOLD = "Hold"
    """An enforced signal is suspect, or a check is broken."""
    DRIFT = "Drift"
    """An enforced signal is degraded."""
    INCONCLUSIVE = "Inconclusive"
    """An enforced signal or a check could not be judged."""


class Recommendation(StrEnum):
    """What the review recommends."""

    APPROVE = "APPROVE"
    """Keep the judged revision."""
    REJECT = "REJECT"
    """Go back to the previous one."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """Neither can be said."""


class Reason(StrEnum):
    """Why a condition or a signal is as it is."""

    # Accepted
    ACCEPTED = "Accepted"
    """Everything the spec names was found and every query can be asked."""
    NO_DATA_YET = "NoDataYet"
    """Accepted, but before T0 a query returned nothing that could be judged; the message names the signals."""
    INVALID_SPEC = "InvalidSpec"
    """The spec contradicts itself in a way the schema cannot see."""
    QUERY_INVALID = "QueryInvalid"
    """A query is not PromQL, or the server refuses it."""
    VARIABLE_UNKNOWN = "VariableUnknown"
    """A query uses a variable that nothing defines."""
    SIGNAL_SET_NOT_FOUND = "SignalSetNotFound"
    """There is no such signal set."""
    TARGET_NOT_FOUND = "TargetNotFound"
    """There is no such workload."""
    TARGET_TOO_LARGE = "TargetTooLarge"
    """The target, or a ReplicaSet of it that the review needs, is larger than the operator reads."""
    SOURCE_NOT_FOUND = "SourceNotFound"
    """There is no such metric source."""
    SOURCE_NOT_ALLOWED = "SourceNotAllowed"
    """The metric source does not serve this namespace."""
    SOURCE_CHANGED = "SourceChanged"
    """The metric source has another address or header, or names another Secret, than when T0 was frozen."""
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason, not a secret
    """A Secret or ConfigMap key that the metric source names is not there, or may not be read."""
    SOURCE_UNAVAILABLE = "SourceUnavailable"
    """The metric source did not answer, or not as a Prometheus does."""
    SEVERAL_SERIES = "SeveralSeries"
    """The query returned more than one series and the signal has no `each`."""
    EACH_LABEL_MISSING = "EachLabelMissing"
    """The query returned a series without the label that `each` names, or two with the same value."""
    TOO_MANY_SERIES = "TooManySeries"
    """The query returned more series than one signal may have."""
    FORBIDDEN = "Forbidden"
    """The API server forbids the operator something that the review needs: a missing right, a policy, a quota."""
    REFUSED = "Refused"
    """The API server refuses something that the review needs as invalid or too large."""
    INTERNAL_ERROR = "InternalError"
    """The operator failed in a way it does not know; its log says where."""
    NOT_FOUND = "NotFound"
    """There is no such object, or no such key in it."""
    # A signal without data
    EMPTY = "Empty"
    """The query is fine but returned no series."""
    ONLY_NAN = "OnlyNaN"
    """Every sample was NaN, as a quotient without traffic is."""
    ONLY_INFINITE = "OnlyInfinite"
    """Every sample was infinite."""
    STAND_IN = "StandIn"
    """Before T0: only the number behind `or vector(…)` was returned, nothing that it stands in for."""
    LOW_COVERAGE = "LowCoverage"
    """Less of the window is covered by samples than the signal demands, and whose gap it is, is not known."""
    NEVER_SCRAPED = "NeverScraped"
    """Not one sample in the whole window, though the source was scraping: misspelt, or nothing exposes it."""
    TARGET_GAP = "TargetGap"
    """Too few samples, though the source was scraping: the target was away, or was not scraped."""
    SOURCE_GAP = "SourceGap"
    """Too few samples, as the source itself scraped nothing for a while: it was down or cut off."""
    SILENT_BEFORE = "SilentBefore"
    """No sample since before T0: it was silent when the baseline ended, so that going back would mend nothing."""
    NO_TRAFFIC = "NoTraffic"
    """Too few blocks with as much traffic as `minTraffic` asks for, or with any at all, to judge a quotient by."""
    BASELINE_MISSING = "BaselineMissing"
    """There was no usable T0 evidence for the signal."""
    BASELINE_OVER_LIMIT = "BaselineOverLimit"
    """The baseline was already over its own limit."""
    TOO_FEW_BLOCKS = "TooFewBlocks"
    """Too few blocks of samples to say anything."""
    UNRESOLVED = "Unresolved"
    """The noise is wider than the margin or the limit: neither good nor bad can be said."""
    NOT_COUNTABLE = "NotCountable"
    """What should be a number of events is below zero, or beyond all counting."""
    BEYOND_BASELINE = "BeyondBaseline"
    """The covariate is outside of what it was in the baseline, so that nothing is known of what follows it."""
    # A query that failed
    TIMEOUT = "Timeout"
    """The server did not answer in time."""
    UNREACHABLE = "Unreachable"
    """No connection to the server."""
    TLS_FAILED = "TLSFailed"
    """The server's certificate is not trusted."""
    UNAUTHORIZED = "Unauthorized"
    """The server refused our credentials (401 or 403)."""
    NOT_A_PROMETHEUS = "NotAPrometheus"
    """The answer is not what the Prometheus query API returns (HTML of a login page, say)."""
    WRONG_RESULT_TYPE = "WrongResultType"
    """The answer, or a file, is not of the type it must be."""
    PARTIAL_ANSWER = "PartialAnswer"
    """The server warned that its answer is incomplete."""
    SERVER_ERROR = "ServerError"
    """The server answered with an error of its own (5xx)."""
    RATE_LIMITED = "RateLimited"
    """The server asked for fewer queries (429)."""
    ANSWER_TOO_LARGE = "AnswerTooLarge"
    """The answer holds more bytes, series or samples than the operator will read."""
    # Progress
    WAITING_FOR_ROLLOUT = "WaitingForRollout"
    """The target's current revision has not finished rolling out."""
    ROLLOUT_FAILED = "RolloutFailed"
    """The target's rollout passed its progress deadline."""
    WAITING_FOR_T0 = "WaitingForT0"
    """The rollout is finished; the warm-up runs."""
    PREFLIGHT_BLOCKED = "PreflightBlocked"
    """Preflight found something that must be mended before T0; the condition Preflight names it."""
    PREFLIGHT_PASSED = "PreflightPassed"
    """Preflight found nothing that keeps the review from starting."""
    SUSPENDED = "Suspended"
    """`spec.suspend` is set."""
    ASKING = "Asking"
    """Queries are being asked, and the metric source takes its time."""
    CAPTURED = "Captured"
    """The T0 evidence is stored."""
    CAPTURING = "Capturing"
    """The T0 evidence is being gathered."""
    AVAILABLE = "Available"
    """The source answered."""
    BETWEEN_CHECKPOINTS = "BetweenCheckpoints"
    """Nothing is due."""
    HOLDING = "Holding"
    """The last checkpoint does not allow a promotion."""
    ACTING = "Acting"
    """A promotion or a rollback is under way."""
    ENDED = "Ended"
    """The review is over."""
    # RollbackPossible
    POSSIBLE = "Possible"
    """The previous pod template is kept, the target is there and the window is open."""
    WINDOW_CLOSED = "WindowClosed"
    """The rollback window has closed."""
    NO_PREVIOUS_REVISION = "NoPreviousRevision"
    """There was no earlier revision at T0."""
    TARGET_PAUSED = "TargetPaused"
    """The target's rollout is paused."""
    # Recovered
    RECOVERY_DUE = "RecoveryDue"
    """The time after the rollback is judged when it is due."""
    RECOVERED = "Recovered"
    """Every enforced signal is as it was at T0, or better."""
    NOT_RECOVERED = "NotRecovered"
    """The rollback did not help: an enforced signal is still degraded."""
    # StaysBack
    STAYS_BACK = "StaysBack"
    """The target runs what the rollback put back."""
    RETURNED = "Returned"
    """Somebody rolled out again what the rollback took away."""
    # DecisionDue
    FOUR_HOURS_LEFT = "FourHoursLeft"
    """The last safe moment comes within four hours."""
    ONE_HOUR_LEFT = "OneHourLeft"
    """The last safe moment comes within an hour."""
    FIFTEEN_MINUTES_LEFT = "FifteenMinutesLeft"
    """The last safe moment comes within a quarter of an hour."""
    TOO_LATE = "TooLate"
    """The last safe moment has passed."""
    # ReportWritten
    WRITTEN = "Written"
    """The report is in the ConfigMap that the message names."""
    REPORT_DUE = "ReportDue"
    """The first report is to be written."""
    NAME_TAKEN = "NameTaken"
    """There is a ConfigMap of that name that is not the review's: it is left alone."""
    # How it ended
    SIGNALS_PASSED = "SignalsPassed"
    """Every enforced signal passed at the last checkpoint."""
    SIGNAL_DEGRADED = "SignalDegraded"
    """An enforced signal is degraded."""
    POLICY = "Policy"
    """What the policy says for a review that could not be decided."""
    NOT_ENOUGH_EVIDENCE = "NotEnoughEvidence"
    """The last checkpoint, or the time after a rollback, could not be judged."""
    BASELINE_NOT_CAPTURED = "BaselineNotCaptured"
    """The T0 evidence could not be gathered before the rollback window closed."""
    NEW_REVISION = "NewRevision"
    """Another pod template was rolled out during the review."""
    TARGET_REPLACED = "TargetReplaced"
    """The target was deleted, or deleted and created again."""
    EVIDENCE_ALTERED = "EvidenceAltered"
    """A stored snapshot is gone or does not match its hash."""
    ACT_REFUSED = "ActRefused"
    """The API server refused to change the target."""
    ROLLBACK_INCOMPLETE = "RollbackIncomplete"
    """The rolled-back pods did not become available in time."""
    ADVISED = "Advised"
    """The policy leaves acting to a person."""
    APPROVED = "Approved"
    """People approved it."""
    REJECTED = "Rejected"
    """A person rejected it."""
    APPROVAL_MISSING = "ApprovalMissing"
    """A promotion lacks approvals of people, or the sign-off of a checklist item."""


UNANSWERED = frozenset(
    {
        Reason.TIMEOUT,
        Reason.UNREACHABLE,
        Reason.TLS_FAILED,
        Reason.UNAUTHORIZED,
        Reason.NOT_A_PROMETHEUS,
        Reason.PARTIAL_ANSWER,
        Reason.SERVER_ERROR,
        Reason.RATE_LIMITED,
        Reason.SOURCE_NOT_FOUND,
        Reason.SOURCE_NOT_ALLOWED,
        Reason.SOURCE_CHANGED,
        Reason.SECRET_NOT_FOUND,
    }
)
"""Reasons why a question was not answered."""
UNMEASURED = UNANSWERED | {Reason.SOURCE_GAP, Reason.SILENT_BEFORE, Reason.FORBIDDEN, Reason.REFUSED}
"""Reasons for missing samples and numbers that say nothing about the release: they never count against it."""

"""The requests that we send, and what the answers' error codes mean.

Protocol source: Betfair Exchange Stream API, "Authentication", "Market Subscription Message", "Error Codes".
"""

import msgspec

from touchline.feeds.betfair.options import Credentials, Subscription

CRLF = b"\r\n"

CREDENTIAL_ERRORS = frozenset(
    {"NO_APP_KEY", "INVALID_APP_KEY", "NO_SESSION", "INVALID_SESSION_INFORMATION", "NOT_AUTHORIZED"}
)
CRITERIA_ERRORS = frozenset({"INVALID_INPUT", "INVALID_REQUEST", "SUBSCRIPTION_LIMIT_EXCEEDED"})
PERMANENT_ERRORS = CREDENTIAL_ERRORS | CRITERIA_ERRORS
"""Errors that repeat until somebody changes a Secret or a FeedProvider. All others are tried again with back-off."""

_ADVICE = {
    "INVALID_SESSION_INFORMATION": "its session token is wrong or has expired: log in and update `sessionToken`",
    "NO_SESSION": "its session token is empty: set `sessionToken`",
    "INVALID_APP_KEY": "its application key is not known to Betfair: set `appKey`",
    "NO_APP_KEY": "its application key is empty: set `appKey`",
    "NOT_AUTHORIZED": "its application key or account has no access to the stream",
    "SUBSCRIPTION_LIMIT_EXCEEDED": "narrow the coverage of the FeedProvider, a subscription holds 200 markets by default",
    "MAX_CONNECTION_LIMIT_EXCEEDED": "too many connections of this account are open",
}


def request_authentication(request: int, credentials: Credentials) -> bytes:
    """The authentication message, with its line end."""
    message = {
        "op": "authentication",
        "id": request,
        "appKey": credentials.app_key,
        "session": credentials.session_token,
    }
    return msgspec.json.encode(message) + CRLF


def request_markets(request: int, subscription: Subscription, initial_clk: str, clk: str) -> bytes:
    """The market subscription, with its line end; with both clocks it asks to resume."""
    message: dict[str, object] = {
        "op": "marketSubscription",
        "id": request,
        "marketFilter": dict(subscription.market_filter),
        "marketDataFilter": {"fields": list(subscription.fields)},
        "heartbeatMs": subscription.heartbeat_ms,
        "conflateMs": subscription.conflate_ms,
        "segmentationEnabled": subscription.segmentation,
    }
    if initial_clk and clk:
        message |= {"initialClk": initial_clk, "clk": clk}
    return msgspec.json.encode(message) + CRLF


def explain_failure(code: str, message: str, endpoint: str, credentials: Credentials) -> str:
    """One sentence for people: who refused, why, and what to do."""
    said = f"{endpoint} refused: {code}" + (f" ({message[:200]})" if message else "")
    advice = _ADVICE.get(code, "")
    if code in CREDENTIAL_ERRORS:
        return f"{said}; Secret {credentials.source}: {advice}"
    return f"{said}; {advice}" if advice else said

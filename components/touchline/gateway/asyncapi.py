"""The WebSocket described for machines (AsyncAPI 3.0): what is sent each way, field by field."""

from typing import Any

from touchline.domain.reasons import BetReason, HoldReason
from touchline.domain.status import MarketStatus
from touchline.gateway.bet_shape import bet_schema
from touchline.version import __version__

_VERSION = {"type": "string", "pattern": r"^[0-9]+\.[0-9]+$", "description": "`<epoch>.<seq>`; only ever forward."}
_MARKET = {"type": "string", "description": "Market id `<event>:<type>[:<line>]`."}
_ID = {
    "oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 64}],
    "description": "Chosen by the client; the answer repeats it.",
}
_TIME = {"type": "integer", "description": "Epoch microseconds."}
_PRICES = {
    "type": "object",
    "description": "Decimal odds as text by selection id; null: not available now.",
    "additionalProperties": {"type": ["string", "null"]},
}
_HOLDS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["reason", "since"],
        "properties": {
            "reason": {"type": "string", "enum": [reason.value for reason in HoldReason]},
            "since": _TIME,
            "detail": {"type": "string"},
        },
    },
}
_STATUS = {"type": "string", "enum": [status.value for status in MarketStatus]}
_TIMES = {"type": "object", "properties": {"src": _TIME, "recv": _TIME, "pub": _TIME}}
_TOPICS = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "string"},
    "description": "`*`, or `sport:`, `league:`, `event:`, `type:`, `market:` with a name.",
}


def _object(op: str, required: list[str], properties: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        "name": op,
        "title": text,
        "payload": {
            "type": "object",
            "required": ["op", *required],
            "properties": {"op": {"const": op}, **properties},
        },
    }


def _commands() -> dict[str, Any]:
    bet = bet_schema()
    return {
        "auth": _object("auth", ["id", "token"], {"id": _ID, "token": {"type": "string"}}, "Show or renew a token"),
        "subscribe": _object(
            "subscribe",
            ["id", "topics"],
            {
                "id": _ID,
                "topics": _TOPICS,
                "resume": {
                    "type": "object",
                    "additionalProperties": _VERSION,
                    "description": "Versions held, by market.",
                },
            },
            "Add topics",
        ),
        "unsubscribe": _object("unsubscribe", ["id", "topics"], {"id": _ID, "topics": _TOPICS}, "Take topics away"),
        "placeBet": {
            "name": "bet",
            "title": "Have a bet decided",
            "payload": {
                **bet,
                "required": ["id", "op", *bet["required"]],
                "properties": {"id": _ID, "op": {"const": "bet"}, **bet["properties"]},
            },
        },
        "ping": _object("ping", ["id"], {"id": _ID}, "Ask for an ok"),
    }


def _frames() -> dict[str, Any]:
    state = {
        "m": _MARKET,
        "v": _VERSION,
        "status": _STATUS,
        "holds": _HOLDS,
        "sel": _PRICES,
        "meta": {"type": "object"},
        "t": _TIMES,
    }
    return {
        "ok": _object("ok", ["id"], {"id": _ID, "markets": {"type": "integer"}}, "The command was carried out"),
        "error": _object(
            "error", ["id", "problem"], {"id": _ID, "problem": {"type": "object"}}, "It was not (RFC 9457)"
        ),
        "state": _object("state", ["m", "v", "status", "holds", "sel"], state, "Replaces everything known of a market"),
        "delta": _object("delta", ["m", "p", "v"], {**state, "p": _VERSION}, "What changed since version p"),
        "gone": _object("gone", ["m", "v"], {"m": _MARKET, "v": _VERSION}, "The market is no longer offered"),
        "synced": _object("synced", ["id"], {"id": _ID}, "Every state of a subscription was sent"),
        "decision": _object(
            "bet",
            ["key", "decision"],
            {
                "command": _ID,
                "key": {"type": "string"},
                "id": {"type": "string", "description": "The bet's id."},
                "decision": {"type": "string", "enum": ["Accepted", "Rejected", "Repriced", "Pending", "Review"]},
                "reason": {"type": "string", "enum": ["", *(reason.value for reason in BetReason)]},
            },
            "A decision: the answer to a bet, or the final one of a delayed bet",
        ),
        "drain": _object(
            "drain", ["after"], {"after": {"type": "integer", "description": "Milliseconds."}}, "Reconnect within"
        ),
    }


def asyncapi_document() -> dict[str, Any]:
    """The whole document."""
    commands, frames = _commands(), _frames()

    def refs(names: dict[str, Any]) -> list[dict[str, str]]:
        return [{"$ref": f"#/channels/stream/messages/{name}"} for name in names]

    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Touchline stream",
            "version": __version__,
            "description": "WebSocket with subprotocol touchline.v1. A message holds one server object, or an array of several.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": "/v1/ws",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in [*commands, *frames]},
            }
        },
        "operations": {
            "command": {"action": "receive", "channel": {"$ref": "#/channels/stream"}, "messages": refs(commands)},
            "update": {"action": "send", "channel": {"$ref": "#/channels/stream"}, "messages": refs(frames)},
        },
        "components": {"messages": {**commands, **frames}},
    }

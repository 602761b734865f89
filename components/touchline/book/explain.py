"""Why a market is as it is: every input that its state rests on, as a document for people (`touchline explain`).

Times are epoch microseconds, ages microseconds, prices decimal text beside the provider's own text.
"""

from touchline.book.conditions import proof_of
from touchline.book.link import NEVER, Link
from touchline.book.market import BookMarket
from touchline.book.view import View
from touchline.domain.prices import PriceFormat, decimal_text
from touchline.domain.version import Version


def explain_market(now: int, wall: int, market: BookMarket, version: Version) -> dict[str, object]:
    """Everything about one market at `now` (`wall` in epoch microseconds)."""
    config = market.class_config
    serving = market.serving
    return {
        "market": market.id,
        "event": market.event.id,
        "at": wall,
        "version": str(version),
        "status": market.status.value,
        "phase": market.phase.value,
        "holds": [
            {"cause": hold.cause, "reason": hold.reason.value, "since": hold.since, "detail": hold.detail}
            for hold in market.holds
        ],
        "prices": {id: decimal_text(micro) if micro else None for id, micro in market.prices.items()},
        "serving": {
            "provider": serving.name if serving is not None else "",
            "since": wall - (now - market.standing.since),
            "why": market.standing.why,
        },
        "class": _class(market),
        "policy": _policy(market),
        "notActedOn": _not_acted_on(market),
        "betDelayUs": market.delay_us(),
        "coolDownLeftUs": max(market.cool_until - now, 0),
        "review": [
            {"cause": cause, "selection": selection, "since": latch.since, "detail": latch.signal.detail}
            for (cause, selection), latch in market.latched.items()
        ],
        "blockedSelections": {
            selection: [{"cause": cause, "detail": signal.detail} for cause, signal in signals.items()]
            for selection, signals in market.blocked.items()
        },
        "providers": [
            _provider(now, view, market, config.max_age_us if config is not None else 0)
            for view in market.views.values()
        ],
        "notOfferedBy": [choice.name for choice in market.choices if choice.name not in market.views],
        "transitions": [
            {"at": transition.at, "what": transition.text, "because": transition.because}
            for transition in market.transitions
        ],
    }


def _class(market: BookMarket) -> dict[str, object]:
    config = market.class_config
    if config is None:
        return {"name": "", "why": market.unclassified}
    return {
        "name": config.name,
        "model": config.model,
        "providers": [{"name": choice.name, "priority": choice.priority} for choice in market.choices],
        "maxAgeUs": config.max_age_us,
        "switchAfterUs": config.switch_after_us,
        "failBackAfterUs": config.fail_back_after_us,
        "suspended": config.suspended,
    }


def _not_acted_on(market: BookMarket) -> list[str]:
    """What the class and its policy declare and this release does not act on."""
    config = market.class_config
    if config is None:
        return []
    policy = config.policy.unsupported if config.policy is not None else ""
    return [text for text in (config.unsupported, policy) if text]


def _policy(market: BookMarket) -> dict[str, object]:
    policy = market.class_config.policy if market.class_config is not None else None
    if policy is None:
        return {"name": ""}
    return {
        "name": policy.name,
        "triggers": [
            {"name": entry.name, "type": entry.type.value, "scope": entry.scope, "review": entry.review}
            for entry in policy.triggers
        ],
        "checks": list(policy.checks),
    }


def _provider(now: int, view: View, market: BookMarket, max_age_us: int) -> dict[str, object]:
    link = view.link
    candidate = next((one for one in market.candidates if one.name == link.name), None)
    return {
        "provider": link.name,
        "fit": candidate.fit if candidate is not None else False,
        "why": candidate.why if candidate is not None else "not a provider of the market's class",
        "status": view.status.name.capitalize(),
        "inPlay": view.in_play,
        "betDelayUs": view.delay_us,
        "src": view.src,
        "recv": view.recv,
        "prices": {
            id: {
                "price": decimal_text(sel.micro) if sel.micro else None,
                "text": sel.text or (decimal_text(sel.micro) if sel.micro else ""),
                "format": PriceFormat.from_code(sel.fmt).value,
            }
            for id, sel in view.sels.items()
        },
        "results": dict(view.results),
        "freshness": _freshness(now, link, max_age_us),
        "sync": {
            "state": link.sync.value,
            "detail": link.sync_detail,
            "incarnation": link.inc,
            "lastBatch": link.seq,
            "receivingImages": link.filling,
        },
    }


def _freshness(now: int, link: Link, max_age_us: int) -> dict[str, object]:
    proof = proof_of(now, link, max_age_us)
    limits = link.config
    return {
        "fresh": proof.fresh and link.in_sync,
        "why": proof.why,
        "ageUs": proof.age_us if proof.age_us < NEVER else None,
        "maxAgeUs": max_age_us,
        "state": link.state.value,
        "stateDetail": link.detail,
        "silenceUs": link.silence_us,
        "maxSilenceUs": limits.max_silence_us if limits is not None else None,
        "delayUs": link.delay_us if link.delay_us >= 0 else None,
        "maxDelayUs": limits.max_delay_us if limits is not None else None,
        "lastProviderTime": link.last_src,
    }

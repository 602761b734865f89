"""What must be true before a market opens: no hold, no cool-down running, and the policy's checks passed.

The checks are made once, at the moment of opening: a market that is open is not shut by them.
"""

from collections.abc import Mapping, Sequence

from touchline.book.config import PolicyConfig
from touchline.domain.prices import overround_ppm

FRESH_PRICE = "FreshPrice"
ALL_SELECTIONS_PRICED = "AllSelectionsPriced"
OVERROUND = "Overround"


def failed_checks(policy: PolicyConfig, *, fresh: bool, expected: Sequence[str], prices: Mapping[str, int]) -> str:
    """What keeps the market shut, in words with figures; empty if every check passes.

    `expected` are the selections that can still be bet on, `prices` micro odds by selection, 0 or absent for none.
    """
    faults = []
    for check in policy.checks:
        if check == FRESH_PRICE and not fresh:
            faults.append("FreshPrice: freshness is not proven")
        elif check == ALL_SELECTIONS_PRICED:
            missing = [selection for selection in expected if not prices.get(selection)]
            if missing or not expected:
                faults.append(f"AllSelectionsPriced: {_some(missing)}")
        elif check == OVERROUND:
            fault = _overround(policy, [prices[selection] for selection in expected if prices.get(selection)])
            if fault:
                faults.append(fault)
    return "; ".join(faults)


def _overround(policy: PolicyConfig, micros: Sequence[int]) -> str:
    total = overround_ppm(micros)
    if policy.overround_min_ppm <= total <= policy.overround_max_ppm:
        return ""
    allowed = f"{_percent(policy.overround_min_ppm)} to {_percent(policy.overround_max_ppm)}"
    return f"Overround: {_percent(total)} is outside {allowed}"


def _percent(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000 // 100:02d} %"


_SHOWN = 5


def _some(names: Sequence[str]) -> str:
    if not names:
        return "no selection is known yet"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more + " without a price"

"""What a subscriber asked for: which markets, which data of them."""

from touchline.sim.raw_book import Change

FIELDS = {
    "EX_BEST_OFFERS_DISP": {"bdatb", "bdatl"},
    "EX_BEST_OFFERS": {"batb", "batl"},
    "EX_ALL_OFFERS": {"atb", "atl"},
    "EX_TRADED": {"trd"},
    "EX_TRADED_VOL": {"tv"},
    "EX_LTP": {"ltp"},
    "SP_TRADED": {"spb", "spl"},
    "SP_PROJECTED": {"spn", "spf"},
}
DEFINITION = "EX_MARKET_DEF"
_BY_DEFINITION = {
    "eventIds": "eventId",
    "eventTypeIds": "eventTypeId",
    "marketTypes": "marketType",
    "countryCodes": "countryCode",
    "bettingTypes": "bettingType",
    "venues": "venue",
    "turnInPlayEnabled": "turnInPlayEnabled",
    "bspMarket": "bspMarket",
}


class Criteria:
    """The filters of one subscription. What they do not name narrows nothing."""

    def __init__(self, market_filter: Change, data_filter: Change, *, filter_fields: bool) -> None:
        self._markets = market_filter
        fields = [field for field in data_filter.get("fields") or () if field != DEFINITION]
        asked = data_filter.get("fields") or ()
        self._definitions = not asked or DEFINITION in asked or not filter_fields
        self._keys: set[str] | None = None
        if filter_fields and asked:
            self._keys = {"id", "hc"} | {key for field in fields for key in FIELDS.get(field, ())}

    def accepts(self, name: str, definition: Change | None) -> bool:
        """Whether a market is among those that were asked for."""
        wanted = self._markets.get("marketIds")
        if wanted and name not in wanted:
            return False
        for key, of in _BY_DEFINITION.items():
            wanted = self._markets.get(key)
            if wanted is None or wanted == []:
                continue
            value = (definition or {}).get(of)
            if value not in wanted if isinstance(wanted, list) else value != wanted:
                return False
        return True

    def cut(self, change: Change) -> Change | None:
        """A change without the data that was not asked for; None where nothing is left."""
        cut = {
            key: value
            for key, value in change.items()
            if key != "rc" and (key != "marketDefinition" or self._definitions)
        }
        runners = [runner for part in change.get("rc") or () if (runner := self._cut_runner(part))]
        if runners:
            cut["rc"] = runners
        return cut if len(cut) > 1 else None

    def _cut_runner(self, runner: Change) -> Change | None:
        if self._keys is None:
            return runner
        cut = {key: value for key, value in runner.items() if key in self._keys}
        return cut if len(cut) > (2 if "hc" in cut else 1) else None

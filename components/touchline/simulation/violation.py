"""What a run can find."""


class Violation(Exception):
    """An invariant does not hold. `rule` is its short name (`touchline.simulation.monitor`), `detail` the figures."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule
        self.detail = detail

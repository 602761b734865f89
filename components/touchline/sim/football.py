"""What a football score is worth: probabilities of the result and of the goals, from two scoring rates.

Both sides score as independent Poisson processes (Maher 1982), which is crude and quite enough for prices that look right.
"""

from functools import lru_cache
from math import exp

MINUTES = 95.0
"""Length of a match with the usual added time."""
MOST_GOALS = 10


@lru_cache(maxsize=4096)
def _poisson(rate: float) -> tuple[float, ...]:
    """Probabilities of 0 to MOST_GOALS goals; the tail is given to the last."""
    terms, term = [], exp(-rate)
    for goals in range(MOST_GOALS):
        terms.append(term)
        term *= rate / (goals + 1)
    return (*terms, max(0.0, 1.0 - sum(terms)))


def match_odds(home_rate: float, away_rate: float, score: tuple[int, int], minute: float) -> tuple[float, float, float]:
    """Probabilities of home win, away win and draw, given the score at a minute (negative: before the start)."""
    left = max(0.0, 1.0 - max(0.0, minute) / MINUTES)
    home_goals, away_goals = _poisson(round(home_rate * left, 4)), _poisson(round(away_rate * left, 4))
    lead = score[0] - score[1]
    home = away = draw = 0.0
    for scored, p in enumerate(home_goals):
        for conceded, q in enumerate(away_goals):
            margin = lead + scored - conceded
            if margin > 0:
                home += p * q
            elif margin < 0:
                away += p * q
            else:
                draw += p * q
    return home, away, draw


def under_over(home_rate: float, away_rate: float, score: tuple[int, int], minute: float) -> tuple[float, float]:
    """Probabilities of fewer than and more than two and a half goals in all."""
    left = max(0.0, 1.0 - max(0.0, minute) / MINUTES)
    goals = _poisson(round((home_rate + away_rate) * left, 4))
    under = sum(goals[: max(0, 3 - sum(score))])
    return under, 1.0 - under

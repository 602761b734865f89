"""The clubs that generated fixtures are played by, with the two spellings under which providers know them."""

from typing import NamedTuple


class Club(NamedTuple):
    """`short` is how the first provider writes it, `full` how the second does. `rating`: expected goals at home to an
    average side."""

    selection: int
    full: str
    short: str
    rating: float


CLUBS = (
    Club(48351, "Arsenal", "Arsenal", 2.1),
    Club(69720, "Newcastle United", "Newcastle", 1.7),
    Club(55190, "Chelsea", "Chelsea", 1.9),
    Club(56323, "Liverpool", "Liverpool", 2.3),
    Club(48224, "Manchester United", "Man Utd", 1.7),
    Club(47999, "Manchester City", "Man City", 2.4),
    Club(48044, "Tottenham Hotspur", "Tottenham", 1.8),
    Club(48317, "Aston Villa", "Aston Villa", 1.6),
    Club(56764, "Wolverhampton Wanderers", "Wolves", 1.1),
    Club(18567, "Brighton & Hove Albion", "Brighton", 1.5),
    Club(48756, "Everton", "Everton", 1.2),
    Club(56343, "Fulham", "Fulham", 1.4),
    Club(2426, "West Ham United", "West Ham", 1.3),
    Club(79343, "Crystal Palace", "Crystal Palace", 1.3),
    Club(62683, "Nottingham Forest", "Nottm Forest", 1.3),
    Club(56299, "Brentford", "Brentford", 1.5),
    Club(1141, "AFC Bournemouth", "Bournemouth", 1.4),
    Club(48461, "Leeds United", "Leeds", 1.2),
    Club(44785, "Burnley", "Burnley", 1.0),
    Club(1096, "Sunderland", "Sunderland", 1.0),
)
DRAW, UNDER, OVER = 58805, 47972, 47973
"""Selection ids of "The Draw", "Under 2.5 Goals" and "Over 2.5 Goals"."""

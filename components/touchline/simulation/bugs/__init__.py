"""Deliberate bugs: the proof that the simulation can fail.

Each is a small patch of a machine, a shell or a store, put in place for one run and taken away again; the product holds no switch for
any of them. What enters here is a mistake that somebody could really make, and it must be caught.
"""

from touchline.simulation.bugs.bug import Bug
from touchline.simulation.bugs.in_book import BOOK_BUGS
from touchline.simulation.bugs.in_desk import DESK_BUGS
from touchline.simulation.bugs.in_gateway import GATEWAY_BUGS
from touchline.simulation.bugs.in_leases import LEASE_BUGS
from touchline.simulation.bugs.in_stores import STORE_BUGS

BUGS: dict[str, Bug] = {bug.name: bug for bug in (*LEASE_BUGS, *STORE_BUGS, *DESK_BUGS, *BOOK_BUGS, *GATEWAY_BUGS)}

__all__ = ["BUGS", "Bug"]

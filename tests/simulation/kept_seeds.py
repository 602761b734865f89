"""Seeds that found a bug in the product, and what it was. They are run again for ever.

A seed only means the same run while everything that is drawn stays the same; each bug found is therefore also kept as a deliberate bug or
as a unit test, which do not age.
"""

KEPT: dict[int, str] = {}

"""The triggers of a SuspensionPolicy, one module each; a trigger that fires sets one hold, a trigger that rests clears it.

`registry` names them by type: a new one is a module here and a line there, nothing else of the book changes. A trigger judges
from `Facts` alone and never reads or sets holds itself.
"""

"""The web page that the gateway serves at its root: a live board, feed health, one price's chart and a bet slip.

Only static files live here (`static/`): plain HTML, CSS and ES modules that speak the public protocol and nothing else. No build step;
the gateway serves the folder, nobody imports from it.
"""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""The folder that holds `index.html` and everything it refers to."""

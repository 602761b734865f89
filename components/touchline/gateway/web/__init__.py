"""The gateway over plain HTTP: queries, bets, Server-Sent Events, the page, health and metrics, as one FastAPI application.

Routes read their input, ask `Service` and write the answer; what is right is decided below them. The WebSocket never comes here.
"""

from touchline.gateway.web.app import create_app

__all__ = ["create_app"]

"""Touchline data plane: feeds in, one authoritative book, prices and bets out."""

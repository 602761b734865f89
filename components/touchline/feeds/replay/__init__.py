"""Playing a recorded file as if it were a provider: the file's reader, its pacing, and the session that re-stamps it.

Decoding and adding up are Betfair's own (`touchline.feeds.betfair`); here is only what a file lacks: pace, heartbeats and times of
today. Nothing here may know one particular file.
"""

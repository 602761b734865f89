"""From a provider's bytes to normalised odds: reception, validation, normalisation, identity, enrichment and feed health.

One process serves one FeedProvider: it captures every frame, judges what an adapter read from it, translates it through
EntityMaps, gives each event its one internal id and publishes numbered batches, beats and health. What knows a provider's
protocol belongs in `touchline.feeds`; what decides whether a market may be bet on belongs in `touchline.book`.
"""

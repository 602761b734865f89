"""The custom resources of touchline.dev/v1alpha1, one module for each kind (long ones split by block).

Only what a user may write or the operator reports belongs here, with its bounds, defaults and single-object rules.
Rules over several objects are in `touchline.api.crosscheck`, choices between objects in `touchline.api.selectors`.
"""

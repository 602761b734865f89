"""The shapes that every custom resource is made of: durations, decimals, sizes, lists, references and rules.

Each type here does two things at once: it validates a value in Python and it says the same in the CRD's schema.
What belongs to one kind only stays with that kind in `touchline.api.v1alpha1`.
"""

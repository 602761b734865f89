"""Whether an object is right among the others: references that lead nowhere, conflicts, promises that cannot be kept.

Pure functions over what was observed; the rules themselves are those of `touchline.api`, so that `touchline validate` and the operator
say the same. What becomes of a finding (a condition, an event) is `status`' business.
"""

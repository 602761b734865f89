"""What should exist: the children of each object as plain manifests, and the documents that the data plane is to be given.

Pure functions from an `Observed` to values; each child kind has one module, `engine` and `provider` put them together. What talks to
anybody, and what judges whether an object is right (`check`) or how it does (`status`), stays out.
"""

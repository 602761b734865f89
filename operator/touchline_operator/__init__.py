"""The control plane: it turns custom resources into running parts of an engine, keeps them so, and says how they are.

Deciding rooms (`world`, `check`, `plan`, `status`) are pure; `kube`, `bus` and `run` connect them to the API server and to brokers.
docs/operator.md is the contract between the rooms. Nothing of the components' insides belongs here.
"""

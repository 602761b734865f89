"""What Touchline must do on a real cluster, whichever it is.

A scenario speaks to the cluster as a user does (kubectl, clients outside it); what starts clusters is in `touchline_e2e`.
One that breaks the cluster itself asks for `own_cluster`.
"""

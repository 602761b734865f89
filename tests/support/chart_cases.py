"""The ways to install the chart that its tests look at."""

from typing import Any

CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "one-namespace": {"operator": {"namespaces": ["bets"]}, "image": {"tag": "1.2.3"}},
    "quickstart": {"quickstart": {"enabled": True}},
    "everything": {
        "fullnameOverride": "odds",
        "commonLabels": {"team": "trading"},
        "image": {
            "repository": "example.com/odds/touchline",
            "tag": "2.0.0",
            "digest": "sha256:" + "0123456789abcdef" * 4,
            "pullPolicy": "Always",
            "pullSecrets": ["registry"],
        },
        "operator": {
            "replicas": 3,
            "workers": 16,
            "logLevel": "DEBUG",
            "resources": {"requests": {"cpu": "1", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
            "priorityClassName": "system-cluster-critical",
            "nodeSelector": {"pool": "control"},
            "tolerations": [{"key": "control", "operator": "Exists"}],
            "affinity": {"nodeAffinity": {}},
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
            ],
            "podAnnotations": {"note": "yes"},
            "podLabels": {"tier": "control"},
            "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"}],
        },
        "tenants": ["touchline", "bets", "lab"],
        "serviceAccount": {"name": "odds", "annotations": {"note": "yes"}},
        "podDisruptionBudget": {"minAvailable": 2},
        "networkPolicy": {
            "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
            "apiServerPorts": [16443],
            "brokerPorts": [4222, 7422],
        },
        "metrics": {"podMonitor": {"enabled": True, "interval": "10s", "labels": {"release": "prometheus"}}},
        "quickstart": {"enabled": True},
    },
    "nothing-optional": {
        "operator": {"replicas": 1},
        "serviceAccount": {"create": False, "name": "mine"},
        "rbac": {"create": False},
        "podDisruptionBudget": {"enabled": False},
        "networkPolicy": {"enabled": False},
    },
}
"""Values by the name of the case. `everything` sets every value that the schema has to something that is not its default."""

{{/*
What the operator may do, in one place. The integration tests run the operator with what is rendered from here.
*/}}

{{/* In the namespaces it works for: its own kinds and their children. No Secrets. */}}
{{- define "touchline.rules.operator" -}}
- apiGroups: [touchline.dev]
  resources: [oddsengines, feedproviders, markets, suspensionpolicies, entitymaps, regions, failoverdrills, insightmodels]
  verbs: [get, list, watch]
- apiGroups: [touchline.dev]
  resources:
    - oddsengines/status
    - feedproviders/status
    - markets/status
    - suspensionpolicies/status
    - entitymaps/status
    - regions/status
    - failoverdrills/status
    - insightmodels/status
  verbs: [patch]
# To own children where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [touchline.dev]
  resources: [oddsengines/finalizers, feedproviders/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [statefulsets, deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services, serviceaccounts, configmaps]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [get, create, patch]
{{- end -}}

{{/* In tenants' namespaces only. Secrets by name only: neither list nor watch. */}}
{{- define "touchline.rules.secrets" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, patch, delete]
# To replace the book's pods in order, and to make the kubelet hand a new user to a broker at once (an annotation).
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, patch, delete]
{{- end -}}

{{/* In the operator's own namespace. A Lease that is not there yet has no name to be allowed by. */}}
{{- define "touchline.rules.lease" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "touchline.operator" . }}]
  verbs: [get, update]
{{- end -}}

{{- define "touchline.subject" -}}
- kind: ServiceAccount
  name: {{ include "touchline.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

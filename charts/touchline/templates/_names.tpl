{{/* Names, labels and references that several templates share. */}}

{{/* What all names begin with: the release, and "touchline" if the release does not say so. */}}
{{- define "touchline.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains "touchline" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-touchline" (.Release.Name | trunc 30 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* The operator's Deployment, Lease, Service, roles. */}}
{{- define "touchline.operator" -}}
{{- printf "%s-operator" (include "touchline.fullname" .) -}}
{{- end -}}

{{- define "touchline.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "touchline.operator" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "touchline.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- with .Values.image.digest }}{{ printf "@%s" . }}{{ end -}}
{{- end -}}

{{/* By these the operator's pods are found: by the Service here, and by the NetworkPolicies of engines' brokers. */}}
{{- define "touchline.selector" -}}
app.kubernetes.io/name: touchline-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{/* Labels of every object; the chart's own win over commonLabels. */}}
{{- define "touchline.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" "touchline-operator"
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/component" "operator"
  "app.kubernetes.io/part-of" "touchline"
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name (replace "+" "_" .Chart.Version))
-}}
{{- toYaml (merge $own .Values.commonLabels) -}}
{{- end -}}

{{- define "touchline.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What the restricted Pod Security Standard wants of a pod and of a container. */}}
{{- define "touchline.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "touchline.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Namespaces whose Secrets the operator may use, where it works for the whole cluster. */}}
{{- define "touchline.tenants" -}}
{{- toYaml (.Values.tenants | default (list .Release.Namespace) | uniq) -}}
{{- end -}}

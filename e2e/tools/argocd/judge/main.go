// Command argocd-judge does to objects what Argo CD's application controller does, with Argo CD's own code, and no Argo CD to run:
//
//	argocd-judge health SETTINGS < objects                       their health, by the scripts in SETTINGS (an argocd-cm, YAML)
//	argocd-judge compare SETTINGS KUBECONFIG MODE < manifests    whether they are Synced with what is in the cluster
//	argocd-judge sync KUBECONFIG MODE < manifests                what a sync does: one apply for each
//
// Objects are JSON, one after another. MODE is `server-side` (the sync option ServerSideApply=true), `server-side-diff`
// (the same with the compare option ServerSideDiff=true) or `client-side` (Argo CD's default). One line of JSON comes
// out for each object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"sigs.k8s.io/yaml"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/tracing"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	argodiff "github.com/argoproj/argo-cd/v3/util/argo/diff"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	kubeutil "github.com/argoproj/argo-cd/v3/util/kube"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"github.com/sirupsen/logrus"
)

const namespace = "argocd"

type verdict struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	Message   string `json:"message,omitempty"`
}

func main() {
	// What Argo CD logs goes to standard error; what is not a warning says nothing here.
	logrus.SetOutput(os.Stderr)
	logrus.SetLevel(logrus.WarnLevel)
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "argocd-judge:", err)
		os.Exit(1)
	}
}

func run(words []string, in io.Reader, out io.Writer) error {
	objects, err := read(in)
	if err != nil {
		return err
	}
	switch {
	case len(words) == 2 && words[0] == "health":
		return judge(objects, words[1], out)
	case len(words) == 4 && words[0] == "compare":
		return compare(objects, words[1], words[2], words[3], out)
	case len(words) == 3 && words[0] == "sync":
		return sync(objects, words[1], words[2], out)
	}
	return errors.New("health SETTINGS | compare SETTINGS KUBECONFIG MODE | sync KUBECONFIG MODE")
}

func judge(objects []*unstructured.Unstructured, settingsFile string, out io.Writer) error {
	overrides, err := overridesIn(settingsFile)
	if err != nil {
		return err
	}
	for _, object := range objects {
		found, err := health.GetResourceHealth(object, lua.ResourceHealthOverrides(overrides))
		if err != nil {
			return err
		}
		said := verdict{Status: "None"} // Argo CD then takes the object for healthy as soon as it is there
		if found != nil {
			said = verdict{Status: string(found.Status), Message: found.Message}
		}
		if err := said.of(object, out); err != nil {
			return err
		}
	}
	return nil
}

func compare(objects []*unstructured.Unstructured, settingsFile, kubeconfig, mode string, out io.Writer) error {
	overrides, err := overridesIn(settingsFile)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	kubectl := &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}
	_, parser, err := kubectl.LoadOpenAPISchema(config)
	if err != nil {
		return err
	}
	// As in CompareAppState of Argo CD's controller/state.go.
	builder := argodiff.NewDiffConfigBuilder().
		WithDiffSettings(nil, overrides, false, normalizers.IgnoreNormalizerOpts{}).
		WithTracking(common.LabelKeyAppInstance, string(v1alpha1.TrackingMethodAnnotation)).
		WithNoCache().
		WithGVKParser(parser).
		WithManager(common.ArgoCDSSAManager).
		WithServerSideDiff(mode == "server-side-diff").
		WithStructuredMergeDiff(mode != "client-side")
	if mode == "server-side-diff" {
		applier, done, err := kubeutil.ManageServerSideDiffDryRuns(config, func(string) (kube.CleanupFunc, error) { return func() {}, nil })
		if err != nil {
			return err
		}
		defer done()
		builder.WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(applier))
	}
	diffConfig, err := builder.Build()
	if err != nil {
		return err
	}
	for _, object := range objects {
		live, err := kubectl.GetResource(context.Background(), config, object.GroupVersionKind(), object.GetName(), object.GetNamespace())
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		result, err := argodiff.StateDiff(live, object, diffConfig)
		if err != nil {
			return err
		}
		said := verdict{Status: "Synced"}
		if live == nil || result.Modified {
			said = verdict{Status: "OutOfSync", Message: fmt.Sprintf("live %s, after a sync %s", result.NormalizedLive, result.PredictedLive)}
		}
		if err := said.of(object, out); err != nil {
			return err
		}
	}
	return nil
}

func sync(objects []*unstructured.Unstructured, kubeconfig, mode string, out io.Writer) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	applier, done, err := managing(config)
	if err != nil {
		return err
	}
	defer done()
	for _, object := range objects {
		// As in applyObject of gitops-engine's pkg/sync/sync_context.go.
		said, err := applier.ApplyResource(
			context.Background(), object, cmdutil.DryRunNone, false, true, mode != "client-side", common.ArgoCDSSAManager,
		)
		if err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		if err := (verdict{Status: "Applied", Message: said}).of(object, out); err != nil {
			return err
		}
	}
	return nil
}

func managing(config *rest.Config) (kube.ResourceOperations, func(), error) {
	return (&kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}).ManageResources(config)
}

// overridesIn reads an argocd-cm as Argo CD does: out of a cluster, here a pretended one with nothing else in it.
func overridesIn(file string) (map[string]v1alpha1.ResourceOverride, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	configMap := &corev1.ConfigMap{}
	if err := yaml.UnmarshalStrict(text, configMap); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	configMap.ObjectMeta = metav1.ObjectMeta{
		Name: common.ArgoCDConfigMapName, Namespace: namespace, Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"},
	}
	client := fake.NewSimpleClientset(configMap)
	return settings.NewSettingsManager(context.Background(), client, namespace).GetResourceOverrides()
}

func read(in io.Reader) ([]*unstructured.Unstructured, error) {
	decoder := json.NewDecoder(in)
	var found []*unstructured.Unstructured
	for {
		var text json.RawMessage
		if err := decoder.Decode(&text); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(text); err != nil {
			return nil, err
		}
		found = append(found, object)
	}
}

func (said verdict) of(object *unstructured.Unstructured, out io.Writer) error {
	said.Kind, said.Namespace, said.Name = object.GetKind(), object.GetNamespace(), object.GetName()
	return json.NewEncoder(out).Encode(said)
}

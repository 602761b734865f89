// Command kstatus reads Kubernetes objects as JSON from standard input (one after another, or a List) and prints, a line
// of JSON for each, how kstatus judges them: the library by which Flux, kpt and others decide that an object is ready.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type verdict struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	Message   string `json:"message,omitempty"`
}

func main() {
	if err := judge(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
}

func judge(in io.Reader, out io.Writer) error {
	decoder, encoder := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var text json.RawMessage
		if err := decoder.Decode(&text); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		// Its own decoder keeps whole numbers whole (generations are compared as integers).
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(text); err != nil {
			return err
		}
		items := []unstructured.Unstructured{*object}
		if object.IsList() {
			list, err := object.ToList()
			if err != nil {
				return err
			}
			items = list.Items
		}
		for i := range items {
			result, err := status.Compute(&items[i])
			if err != nil {
				return fmt.Errorf("%s %s: %w", items[i].GetKind(), items[i].GetName(), err)
			}
			if err := encoder.Encode(verdict{
				Kind: items[i].GetKind(), Namespace: items[i].GetNamespace(), Name: items[i].GetName(),
				Status: string(result.Status), Message: result.Message,
			}); err != nil {
				return err
			}
		}
	}
}

"""Generation of the CustomResourceDefinitions from the models, and a checker of Kubernetes' rules for their schemas.

`python -m touchline.api.crds OUTDIR` writes them, `--check` tells what would change. Only what turns models into CRD
documents belongs here: a bound, a default or a rule that is missing in a CRD is added to the model.
"""

from touchline.api.crds.document import crd_document, crd_documents
from touchline.api.crds.structural import violations

__all__ = ["crd_document", "crd_documents", "violations"]

"""What can go wrong with weights, recipes and training data.

```
ModelError
├── CheckpointError    a checkpoint is unknown, missing or not the file it should be
├── RecipeError        a training recipe cannot be read or asks for the impossible
├── DatasetError       pictures or labels are missing or malformed
└── ExportError        a checkpoint could not be turned into the form a backend needs
```
"""

from __future__ import annotations


class ModelError(Exception):
    """Base of all errors of this package; its text is fit to be shown to a user."""


class CheckpointError(ModelError, ValueError):
    """A checkpoint is unknown, missing, or its bytes are not those that were registered."""


class RecipeError(ModelError, ValueError):
    """A training recipe is malformed or asks for something that cannot be done."""


class DatasetError(ModelError, ValueError):
    """Training or evaluation pictures or labels are missing or malformed."""


class ExportError(ModelError, RuntimeError):
    """A checkpoint could not be exported."""

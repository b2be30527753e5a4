"""Imports all of a generated client, and prints which of the given values its models do not give back as they were."""

import importlib
import json
import pkgutil
import sys

client = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(client.__path__, f"{client.__name__}."):
    importlib.import_module(found.name)
models = importlib.import_module(f"{client.__name__}.models")
given = json.load(sys.stdin)
changed = [
    (model, value)
    for model, values in given.items()
    for value in values
    if getattr(models, model).from_dict(value).to_dict() != value
]
json.dump(changed, sys.stdout)

#!/usr/bin/env python3
"""Checks contrib/kubernetes/*.yaml against the schema of Kubernetes, and what the schema cannot express.

    kubernetes_test.py     needs kubernetes-validate (PyPI); exits with 77 where it is missing
"""
import os
import re
import sys

try:
    import kubernetes_validate
    import yaml
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed")
    sys.exit(77)

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "contrib", "kubernetes")
VERSION = "1.33"  # the first with every field that is used as a stable one


def main():
    names = sorted(name for name in os.listdir(FOLDER) if name.endswith(".yaml"))
    for name in names:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            for document in yaml.safe_load_all(file):
                kubernetes_validate.validate(document, VERSION, strict=True)
                spec = document["spec"]
                if spec.get("completionMode") == "Indexed":
                    command = " ".join(spec["template"]["spec"]["containers"][0]["args"])
                    count = re.search(r"--part auto/(\d+)", command)
                    assert count and int(count[1]) == spec["completions"], f"{name}: --part and completions differ"
    print(f"{len(names)} manifests are valid for Kubernetes {VERSION}")


main()

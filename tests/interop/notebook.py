#!/usr/bin/env python3
"""Executes the notebook of examples/notebook on the demo music; every cell must succeed and the pictures must be there.

    PYTHONPATH=build/dev/python notebook.py examples/notebook/demo_study.ipynb data/demo/demo.csv [--save]

--save writes the outputs into the notebook. Exit code 77: a package or the music is missing.
"""
import importlib
import os
import pathlib
import sys
import tempfile

notebook_file, data = map(pathlib.Path, sys.argv[1:3])
for module in ("nbclient", "ipykernel", "matplotlib", "pandas", "sklearn", "genrewise._core"):
    try:
        importlib.import_module(module)
    except ImportError as error:
        print(f"skipped: {sys.executable} has no {module} ({error})")
        sys.exit(77)
if not data.exists():
    print(f"skipped: there is no {data} (genrewise fetch demo)")
    sys.exit(77)

import nbclient
import nbformat

LARGEST_OUTPUT = 1 << 20

notebook = nbformat.read(notebook_file, as_version=4)
with tempfile.TemporaryDirectory() as folder:
    # Relative paths, so that no output names a folder of this machine.
    os.makedirs(os.path.join(folder, "data"))
    os.symlink(data.resolve().parent, os.path.join(folder, "data/demo"))
    nbclient.NotebookClient(notebook, timeout=3600, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
pictures = 0
for cell in notebook.cells:
    cell.metadata.pop("execution", None)  # times
    for output in cell.get("outputs", []):
        pictures += "image/png" in output.get("data", {})
        if len(str(output)) > LARGEST_OUTPUT:
            sys.exit(f"FAILED: an output of {cell.id} has {len(str(output))} bytes")
        if output.output_type == "stream" and output.name == "stderr":
            sys.exit(f"FAILED: {cell.id} writes to standard error: {output.text}")
if pictures != 5:
    sys.exit(f"FAILED: {pictures} pictures instead of 5")
if "--save" in sys.argv:
    nbformat.write(notebook, notebook_file)
print(f"{len(notebook.cells)} cells, {pictures} pictures")

#!/usr/bin/env python3
"""Writes a bill of materials (CycloneDX 1.5, JSON) of built programs to standard output: the shared libraries that they
load, and the libraries that are compiled into them, with package, version and SHA-256. Needs ldd and dpkg.

Usage: tools/sbom.py build/release/bin/genrewise [build/release/bin/genrewise-neural] > genrewise.cdx.json"""
import hashlib
import json
import os
import re
import subprocess
import sys

# Header-only libraries and static ones (tools/install_packages.sh), and OpenBLAS, which is loaded when it is used.
COMPILED_IN = ["libcli11-dev", "nlohmann-json3-dev", "libexpected-dev", "libcpp-httplib-dev", "libhwy-dev"]
LOADED_LATER = ["libopenblas.so.0"]


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def packages_of(paths):
    """{path: Debian package}; dpkg may know a file by its path before /usr was merged."""
    spellings = {spelling: path for path in paths
                 for spelling in (path.removeprefix("/usr"), os.path.realpath(path), path)}
    lines = output("dpkg", "-S", *spellings).splitlines()
    found = (line.split(": ", 1) for line in lines if ": " in line)
    return {spellings[path]: package.split(":")[0] for package, path in found if path in spellings}


def facts_of_packages(packages):
    """{package: (version, architecture, source package)}"""
    lines = output("dpkg-query", "-W", "-f=${Package}\t${Version}\t${Architecture}\t${source:Package}\n", *packages)
    return {line.split("\t")[0]: line.split("\t")[1:] for line in lines.splitlines()}


def component(name, package, facts, path=None):
    made = {"type": "library", "name": name}
    if package in facts:
        version, architecture, source = facts[package]
        made["version"] = version
        made["purl"] = f"pkg:deb/debian/{package}@{version}?arch={architecture}"
        made["properties"] = [{"name": "source package", "value": source}]
    if path:
        with open(path, "rb") as file:
            made["hashes"] = [{"alg": "SHA-256", "content": hashlib.sha256(file.read()).hexdigest()}]
    made["bom-ref"] = made.get("purl", name) + "#" + name
    return made


def main(programs):
    if not programs:
        sys.exit(__doc__)
    libraries, tops = {}, []
    for program in programs:
        text = output("ldd", program)
        if not text:
            sys.exit(f"{program}: is not a program with shared libraries, or ldd is missing")
        libraries.update(re.findall(r"^\s*(\S+) => (/\S+)", text, re.M))
        tops.append(os.path.basename(program))
    cache = output("/sbin/ldconfig", "-p")
    for name in LOADED_LATER:
        if found := re.search(rf"^\s*{re.escape(name)} .*=> (\S+)", cache, re.M):
            libraries[name] = found.group(1)
    packages = packages_of(libraries.values())
    facts = facts_of_packages(sorted({*packages.values(), *COMPILED_IN}))
    components = [component(name, packages.get(path), facts, path) for name, path in sorted(libraries.items())]
    components += [component(package, package, facts) for package in COMPILED_IN if package in facts]
    version = output(programs[0], "--version").split()
    json.dump({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
               "metadata": {"component": {"type": "application", "name": ", ".join(tops), "bom-ref": "genrewise",
                                          "version": version[1] if len(version) > 1 else ""}},
               "components": components,
               "dependencies": [{"ref": "genrewise", "dependsOn": [one["bom-ref"] for one in components]}]},
              sys.stdout, indent=1)
    print()


main(sys.argv[1:])

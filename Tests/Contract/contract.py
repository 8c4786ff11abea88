"""Holds exchanges with the API against openapi.yaml.

    contract.py openapi.yaml --stream         answers each line of exchanges on standard input with what is wrong
    contract.py openapi.yaml FILE …           the same for recorded files; fails when anything is wrong or nothing is there

An exchange is {"method", "path", "query", "request_type", "request", "status", "headers": [[name, value]], "body"}; `request`
and `body` are text, null where there is none or it is no UTF-8.
"""

import copy
import json
import re
import sys
import urllib.parse

import yaml
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

METHODS = ("get", "put", "post", "delete", "patch")
# Documented, and there only in some answers of these statuses: to a repetition; where the caller was known when it failed; the
# tag of what there is; until the first request with the key is done; the scope that is lacking; of PATCH alone.
OCCASIONAL_HEADERS = {
    "idempotent-replayed": range(600), "ratelimit": (500, 503), "ratelimit-policy": (500, 503), "etag": (412,),
    "retry-after": (409,), "www-authenticate": (403,), "accept-patch": (415,)}
# HTTP's own, on any answer. Every other header is documented.
GENERAL_HEADERS = {
    "cache-control", "connection", "content-length", "content-type", "date", "server", "transfer-encoding",
    "x-content-type-options"}
# Answered by the server itself on any path; `default` stands for them.
GENERAL_STATUSES = {405, 408, 417}
# Objects that may hold members nobody documented.
OPEN_SCHEMAS = {"Problem"}


class Contract:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.lax = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.strict = self._closed(self.lax)
        registry = Registry().with_resources(
            [(name, Resource(contents=document, specification=DRAFT202012))
             for name, document in (("urn:lax", self.lax), ("urn:strict", self.strict))])
        self._registry = registry
        self._validators = {}
        self.operations = []
        self._templates = []
        for template, item in self.lax["paths"].items():
            pattern = "".join("([^/]+)" if part.startswith("{") else re.escape(part)
                              for part in re.split(r"(\{[^}]+\})", template))
            self._templates.append((re.compile(pattern + r"\Z"), template, item))
            for method in METHODS:
                if method in item:
                    self.operations.append((method.upper(), template, item[method]["operationId"]))
        # A literal path comes before one with a parameter in its place.
        self._templates.sort(key=lambda entry: entry[1].count("{"))

    @staticmethod
    def _closed(document):
        """The document in which answers hold no member that is not documented."""
        document = copy.deepcopy(document)

        def close(node, inside_all_of=False):
            if isinstance(node, list):
                for element in node:
                    close(element)
                return
            if not isinstance(node, dict):
                return
            for part in node.get("allOf", ()):
                if "$ref" in part:
                    part["$ref"] = "urn:lax" + part["$ref"]
                else:
                    close(part, inside_all_of=True)
            if "allOf" in node:
                node["unevaluatedProperties"] = False
            elif (node.get("type") == "object" or node.get("type") == ["object", "null"]) and "properties" in node:
                if not inside_all_of:
                    node.setdefault("additionalProperties", False)
            for name, value in node.items():
                if name not in ("allOf", "examples", "example"):
                    close(value)

        schemas = document["components"]["schemas"]
        for name, schema in schemas.items():
            if name not in OPEN_SCHEMAS:
                close(schema)
        close(document["components"].get("responses", {}))
        close(document["paths"])
        return document

    # Which part of the document

    def _resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            reference = node["$ref"]
            node = self.lax
            for part in reference.removeprefix("#/").split("/"):
                node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def _pointer(self, node, *parts):
        """The JSON pointer of a part of a node that may be a reference."""
        target = self.lax
        for part in node:
            target = target[part]
        if isinstance(target, dict) and "$ref" in target:
            return target["$ref"].removeprefix("#") + "".join("/" + self._escape(part) for part in parts)
        return "".join("/" + self._escape(part) for part in (*node, *parts))

    @staticmethod
    def _escape(part):
        return str(part).replace("~", "~0").replace("/", "~1")

    def _errors(self, pointer, value, strict):
        key = (pointer, strict)
        if key not in self._validators:
            base = "urn:strict" if strict else "urn:lax"
            self._validators[key] = OAS31Validator(
                {"$ref": f"{base}#{urllib.parse.quote(pointer)}"}, registry=self._registry,
                format_checker=oas31_format_checker)
        for error in self._validators[key].iter_errors(value):
            where = "/" + "/".join(str(part) for part in error.absolute_path)
            yield f"{where}: {error.message[:300]}"

    # One exchange

    def check(self, exchange):
        """The operation's id, None where there is none, and what is wrong."""
        method, path = exchange["method"], exchange["path"]
        found = next(((template, item) for pattern, template, item in self._templates if pattern.match(path)), None)
        headers = {}
        for name, value in exchange["headers"]:
            headers.setdefault(name.lower(), value)
        failures = []
        if "x-request-id" not in headers:
            failures.append("no X-Request-Id in the answer")
        operation_id = None
        status = exchange["status"]
        if found is None:
            if status not in (401, 404):
                failures.append("the path is not documented")
            failures += self._problem(exchange, headers)
        else:
            template, item = found
            operation = item.get("get" if method == "HEAD" else method.lower())
            if operation is None:
                failures += self._without_operation(exchange, headers, item)
            else:
                operation_id = operation["operationId"]
                failures += self._answer(exchange, headers, template, item, operation)
                if 200 <= status < 300:
                    failures += self._question(exchange, template, item, operation)
        return operation_id, failures

    def _without_operation(self, exchange, headers, item):
        allowed = {name.upper() for name in METHODS if name in item} | {"OPTIONS"}
        if "GET" in allowed:
            allowed.add("HEAD")
        failures = []
        if set(re.split(r",\s*", headers.get("allow", ""))) != allowed:
            failures.append(f"Allow is {headers.get('allow')!r}, documented are {sorted(allowed)}")
        if exchange["method"] == "OPTIONS":
            if exchange["status"] != 204:
                failures.append(f"OPTIONS is answered with {exchange['status']}")
            return failures
        if exchange["status"] != 405:
            failures.append("the method is not documented")
        return failures + self._problem(exchange, headers)

    def _answer(self, exchange, headers, template, item, operation):
        status = exchange["status"]
        method = "get" if exchange["method"] == "HEAD" else exchange["method"].lower()
        responses = operation["responses"]
        key = str(status)
        if key not in responses:
            if status not in GENERAL_STATUSES:
                return [f"status {status} is not documented"]
            return self._problem(exchange, headers)
        response = self._resolve(responses[key])
        failures = []
        for name, header in response.get("headers", {}).items():
            value = headers.get(name.lower())
            if value is None:
                if status not in OCCASIONAL_HEADERS.get(name.lower(), ()):
                    failures.append(f"header {name} is missing")
                continue
            schema = self._resolve(header).get("schema")
            if schema is not None:
                failures += [f"header {name}: {error}" for error in self._text(schema, value)]
        documented = GENERAL_HEADERS.union(name.lower() for name in response.get("headers", {}))
        failures += [f"header {name} is not documented" for name in sorted(set(headers) - documented)]
        content = response.get("content")
        if not content:
            if exchange["body"] or "content-type" in headers:
                failures.append("there is a body, none is documented")
            return failures
        media = headers.get("content-type", "").split(";")[0].strip()
        if media not in content:
            failures.append(f"content type {media!r} is not documented")
        elif exchange["method"] != "HEAD" and media.endswith("json"):
            pointer = self._pointer(("paths", template, method, "responses", key), "content", media, "schema")
            failures += self._body(exchange["body"], pointer, strict=True)
        if media == "application/problem+json":
            failures += self._problem(exchange, headers)
        return failures

    def _body(self, text, pointer, strict):
        try:
            value = json.loads(text)
        except (TypeError, ValueError) as error:
            return [f"the body is no JSON: {error}"]
        return [f"body {error}" for error in self._errors(pointer, value, strict)]

    def _problem(self, exchange, headers):
        if exchange["method"] == "HEAD":
            return []
        if headers.get("content-type") != "application/problem+json":
            return [f"a problem has content type {headers.get('content-type')!r}"]
        failures = self._body(exchange["body"], "/components/schemas/Problem", strict=True)
        if failures:
            return failures
        problem = json.loads(exchange["body"])
        if problem["status"] != exchange["status"]:
            failures.append(f"the problem's status is {problem['status']}")
        if problem.get("instance") != headers.get("x-request-id"):
            failures.append("the problem's instance is not the request's id")
        if not problem["type"].startswith("/problems/"):
            failures.append(f"the problem's type is {problem['type']}")
        return failures

    def _question(self, exchange, template, item, operation):
        """What is accepted is documented."""
        failures = []
        parameters = {}
        for parameter in [*item.get("parameters", ()), *operation.get("parameters", ())]:
            parameter = self._resolve(parameter)
            parameters[parameter["in"], parameter["name"].lower()] = parameter
        for name, value in urllib.parse.parse_qsl(exchange["query"], keep_blank_values=True):
            parameter = parameters.get(("query", name))
            if parameter is None:
                failures.append(f"query parameter {name} is accepted and not documented")
            else:
                failures += [f"query parameter {name}: {error}" for error in self._text(parameter["schema"], value)]
        for name in exchange["request_headers"]:
            if name.lower() in ("idempotency-key", "x-agent-id") and ("header", name.lower()) not in parameters:
                if exchange["method"] in ("POST", "PUT", "PATCH", "DELETE"):
                    failures.append(f"header {name} is sent and not documented")
        body = operation.get("requestBody")
        text = exchange["request"]
        if text and exchange["method"] in ("POST", "PUT", "PATCH"):
            if body is None:
                return failures + ["a body is accepted, none is documented"]
            media = (exchange["request_type"] or "").split(";")[0].strip()
            if media not in self._resolve(body)["content"]:
                return failures + [f"content type {media!r} is accepted and not documented"]
            pointer = self._pointer(
                ("paths", template, exchange["method"].lower(), "requestBody"), "content", media, "schema")
            failures += [f"request {error}" for error in self._body(self._accepted(exchange), pointer, strict=False)]
        elif body is not None and self._resolve(body).get("required"):
            failures.append("accepted without the body that is documented as required")
        return failures

    @staticmethod
    def _accepted(exchange):
        """The request without the events that were rejected one by one: they need not be as documented."""
        request = json.loads(exchange["request"])
        if isinstance(request, dict) and isinstance(request.get("events"), list):
            results = json.loads(exchange["body"])["results"]
            kept = [event for event, result in zip(request["events"], results) if result["status"] != "rejected"]
            request["events"] = kept or [{
                "type": "message", "message_id": "-", "contact": {"external_id": "-"}, "text": "-"}]
        return json.dumps(request)

    def _text(self, schema, text):
        """A header's or parameter's text against its schema."""
        schema = self._resolve(schema)
        kinds = schema.get("type", "string")
        value = text
        if "integer" in kinds and re.fullmatch(r"-?\d+", text):
            value = int(text)
        elif "boolean" in kinds and text in ("true", "false"):
            value = text == "true"
        # Alone it has no document around it, which its references could be about.
        schema = json.loads(json.dumps(schema).replace('"$ref": "#/', '"$ref": "urn:lax#/'))
        validator = OAS31Validator(schema, registry=self._registry, format_checker=oas31_format_checker)
        return [error.message[:200] for error in validator.iter_errors(value)]

    def judge(self, exchanges):
        """Failures as text, and (operation id, status) of every exchange that has one."""
        failures, operations = [], []
        for exchange in exchanges:
            operation_id, found = self.check(exchange)
            if operation_id is not None:
                operations.append([operation_id, exchange["status"]])
            head = f"{exchange['method']} {exchange['path']}?{exchange['query']}".rstrip("?")
            for failure in found:
                failures.append(f"{head} → {exchange['status']} ({operation_id}): {failure}")
        return failures, operations


def stream(contract):
    print(json.dumps({"operations": contract.operations}), flush=True)
    for line in sys.stdin:
        exchanges = json.loads(line)["exchanges"]
        failures, operations = contract.judge(exchanges)
        if not exchanges:
            failures.append("nothing was recorded")
        print(json.dumps({"failures": failures, "operations": operations}), flush=True)


def files(contract, paths):
    count, failed, seen = 0, 0, set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                failures, operations = contract.judge([json.loads(line)])
                count += 1
                seen.update(name for name, status in operations if 200 <= status < 300)
                for failure in failures:
                    failed += 1
                    print(failure)
    missing = sorted({name for _, _, name in contract.operations} - seen)
    print(f"{count} exchanges, {failed} against the contract; operations without a 2xx: {', '.join(missing) or 'none'}")
    return 1 if failed or count == 0 or missing else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    api = Contract(sys.argv[1])
    if sys.argv[2] == "--stream":
        stream(api)
    else:
        sys.exit(files(api, sys.argv[2:]))

"""Compares the contract with the one released last, and fails on a breaking change that CHANGELOG.md does not declare.

    breaking.py released.yaml openapi.yaml CHANGELOG.md
    breaking.py --test

Breaking is what a correct client of the released contract could trip over: an operation, a success, a member of an answer or
an accepted value that is gone; something new that has to be sent; a type or a limit of a request that became narrower, one of
an answer that became wider. Strings whose values may grow are documented as strings, so an `enum` in an answer is closed: a
new value breaks. A change is declared by the operation's id under "### Breaking" of the topmost section of CHANGELOG.md.
"""

import re
import sys

import yaml

METHODS = ("get", "put", "post", "delete", "patch")
# Which way a limit narrows what may be sent.
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")


class Comparison:
    def __init__(self, old, new):
        self.old, self.new = old, new
        self.changes = []
        self._operation = None

    def run(self):
        """Breaking changes as (operation id, what)."""
        for path, item in self.old["paths"].items():
            for method in METHODS:
                if method in item:
                    self._operation = item[method]["operationId"]
                    operation = self.new["paths"].get(path, {}).get(method)
                    if operation is None:
                        self._add(f"{method.upper()} {path} is gone")
                    else:
                        self._compare(item[method], operation)
        return self.changes

    def _add(self, what):
        if (self._operation, what) not in self.changes:
            self.changes.append((self._operation, what))

    @staticmethod
    def _resolve(document, node):
        while isinstance(node, dict) and "$ref" in node:
            reference, node = node["$ref"], document
            for part in reference.removeprefix("#/").split("/"):
                node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def _compare(self, old, new):
        if new["operationId"] != old["operationId"]:
            self._add(f"is called {new['operationId']}")
        self._parameters(old, new)
        self._body(self._resolve(self.old, old.get("requestBody")), self._resolve(self.new, new.get("requestBody")))
        for status, response in old["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in new["responses"]:
                self._add(f"is not answered with {status} any more")
                continue
            self._response(
                status, self._resolve(self.old, response), self._resolve(self.new, new["responses"][status]))

    def _parameters(self, old, new):
        before = self._by_name(self.old, old)
        after = self._by_name(self.new, new)
        for key, parameter in before.items():
            if key not in after:
                self._add(f"{key[0]} parameter {key[1]} is gone")
                continue
            if after[key].get("required") and not parameter.get("required"):
                self._add(f"{key[0]} parameter {key[1]} is required")
            self._schema(parameter.get("schema"), after[key].get("schema"), f"{key[0]} parameter {key[1]}", sent=True)
        for key, parameter in after.items():
            if key not in before and parameter.get("required"):
                self._add(f"{key[0]} parameter {key[1]} is new and required")

    def _by_name(self, document, operation):
        parameters = (self._resolve(document, parameter) for parameter in operation.get("parameters", ()))
        return {(parameter["in"], parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]):
                parameter for parameter in parameters}

    def _body(self, old, new):
        if old is None:
            if new is not None and new.get("required"):
                self._add("needs a body")
            return
        if new is None:
            self._add("takes no body any more")
            return
        if new.get("required") and not old.get("required"):
            self._add("needs the body")
        for media, content in old["content"].items():
            if media not in new["content"]:
                self._add(f"does not take {media} any more")
            else:
                self._schema(content.get("schema"), new["content"][media].get("schema"), "body", sent=True)

    def _response(self, status, old, new):
        for name in old.get("headers", {}):
            if name not in new.get("headers", {}):
                self._add(f"{status} has no header {name} any more")
        for media, content in old.get("content", {}).items():
            if media not in new.get("content", {}):
                self._add(f"{status} is not {media} any more")
            else:
                self._schema(
                    content.get("schema"), new["content"][media].get("schema"), f"answer {status}", sent=False)

    # Schemas

    def _schema(self, old, new, where, sent, seen=frozenset()):
        if old is None or new is None:
            return
        key = (old.get("$ref"), new.get("$ref"))
        if all(key):
            if key in seen:
                return
            seen = seen | {key}
        old, new = self._resolve(self.old, old), self._resolve(self.new, new)
        old, new = self._flat(self.old, old), self._flat(self.new, new)
        self._types(old, new, where, sent)
        self._values(old, new, where, sent)
        self._limits(old, new, where, sent)
        self._members(old, new, where, sent, seen)
        if "items" in old and "items" in new:
            self._schema(old["items"], new["items"], where + "/*", sent, seen)
        for kind in ("anyOf", "oneOf"):
            self._choices(old.get(kind), new.get(kind), where, sent, seen)

    def _flat(self, document, schema):
        """The parts of an `allOf` as one schema."""
        if "allOf" not in schema:
            return schema
        flat = {name: value for name, value in schema.items() if name != "allOf"}
        for part in schema["allOf"]:
            part = self._flat(document, self._resolve(document, part))
            for name, value in part.items():
                if name == "properties":
                    flat["properties"] = {**flat.get("properties", {}), **value}
                elif name == "required":
                    flat["required"] = [*flat.get("required", []), *value]
                else:
                    flat.setdefault(name, value)
        return flat

    @staticmethod
    def _kinds(schema):
        kinds = schema.get("type")
        if kinds is None:
            return None
        kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        return kinds | {"integer"} if "number" in kinds else kinds

    def _types(self, old, new, where, sent):
        before, after = self._kinds(old), self._kinds(new)
        if before == after:
            if old.get("format") != new.get("format") and (new if sent else old).get("format"):
                self._add(f"{where} has format {new.get('format')}, not {old.get('format')}")
            return
        narrower, wider = (after, before) if sent else (before, after)
        if narrower is not None and (wider is None or wider - narrower):
            self._add(f"{where} is {self._named(after)}, not {self._named(before)}")

    @staticmethod
    def _named(kinds):
        return " or ".join(sorted(kinds)) if kinds else "anything"

    def _values(self, old, new, where, sent):
        before = [old["const"]] if "const" in old else old.get("enum")
        after = [new["const"]] if "const" in new else new.get("enum")
        narrower, wider = (after, before) if sent else (before, after)
        if narrower is None:
            return
        if wider is None:
            self._add(f"{where} is {'limited to' if sent else 'not limited any more to'} {narrower}")
        elif lost := [value for value in wider if value not in narrower]:
            self._add(f"{where} {'does not take' if sent else 'may be'} {lost}")

    def _limits(self, old, new, where, sent):
        narrower, wider = (new, old) if sent else (old, new)
        for name, tighter in [(name, min) for name in UPPER] + [(name, max) for name in LOWER]:
            limit, before = narrower.get(name), wider.get(name)
            if limit is not None and (before is None or tighter(limit, before) != before):
                self._add(f"{where} has {name} {new.get(name)}, not {old.get(name)}")
        if narrower.get("pattern") not in (None, wider.get("pattern")):
            self._add(f"{where} has pattern {new.get('pattern')}, not {old.get('pattern')}")
        if sent and new.get("uniqueItems") and not old.get("uniqueItems"):
            self._add(f"{where} takes each item once")

    def _members(self, old, new, where, sent, seen):
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            if name in after:
                self._schema(schema, after[name], f"{where}/{name}", sent, seen)
            elif not sent or new.get("additionalProperties") is False:
                self._add(f"{where}/{name} is gone")
        required, was = set(new.get("required", ())), set(old.get("required", ()))
        if sent:
            for name in sorted(required - was):
                self._add(f"{where}/{name} is {'required' if name in before else 'new and required'}")
            if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
                self._add(f"{where} takes no other members any more")
        else:
            for name in sorted(was - required):
                if name in after:
                    self._add(f"{where}/{name} may be missing")
        if isinstance(old.get("additionalProperties"), dict) and isinstance(new.get("additionalProperties"), dict):
            self._schema(old["additionalProperties"], new["additionalProperties"], where + "/*", sent, seen)

    def _choices(self, old, new, where, sent, seen):
        """Alternatives by name; those without one by their place."""
        if old is None and new is None:
            return
        named = lambda choices: {choice.get("$ref", index): choice  # noqa: E731
                                 for index, choice in enumerate(choices or ())}
        before, after = named(old), named(new)
        for name in before:
            if name in after:
                self._schema(before[name], after[name], where, sent, seen)
        lost = set(before) - set(after) if sent else set(after) - set(before)
        if old is not None and new is not None:
            for name in sorted(map(str, lost)):
                self._add(f"{where} {'does not take' if sent else 'may be'} {name.split('/')[-1]}")
        elif (new if sent else old) is not None:
            self._add(f"{where} is one of several, which it was not" if sent else f"{where} may be anything")


def declared(changelog):
    """The operation ids under "### Breaking" of the topmost section."""
    section = re.search(r"^## .*?(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    breaking = re.search(r"^### Breaking\s*$(.*?)(?=^### |\Z)", section[0] if section else "", re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`(\w+)`", breaking[1])) if breaking else set()


def load(path):
    with open(path, "rb") as file:
        return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def main(released, present, changelog):
    with open(changelog, encoding="utf-8") as file:
        excused = declared(file.read())
    changes = Comparison(load(released), load(present)).run()
    open_ones = [change for change in changes if change[0] not in excused]
    for operation, what in changes:
        print(f"{'declared  ' if operation in excused else 'UNDECLARED'} {operation}: {what}")
    print(f"{len(changes)} breaking changes since the release, {len(open_ones)} of them not in CHANGELOG.md")
    return 1 if open_ones else 0


# Cases: what is done to the contract, and what has to be found.

def document():
    thing = {"type": "object", "required": ["id"], "properties": {
        "id": {"type": "string"}, "size": {"type": "integer", "maximum": 10}, "kind": {"type": "string", "enum": ["a", "b"]}}}
    answer = {"description": "-", "headers": {"ETag": {}}, "content": {"application/json": {"schema": {
        "$ref": "#/components/schemas/Thing"}}}}
    return {
        "paths": {"/things": {"post": {
            "operationId": "makeThing",
            "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 10}}],
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewThing"}}}},
            "responses": {"201": answer, "404": {"description": "-"}}}}},
        "components": {"schemas": {
            "Thing": thing, "NewThing": {**{name: thing[name] for name in ("type", "properties")},
                                         "additionalProperties": False}}}}


def cases():
    operation = lambda new: new["paths"]["/things"]["post"]  # noqa: E731
    sent = lambda new: new["components"]["schemas"]["NewThing"]  # noqa: E731
    answered = lambda new: new["components"]["schemas"]["Thing"]  # noqa: E731
    yield "nothing", lambda new: None, None
    yield "gone", lambda new: new["paths"].clear(), "is gone"
    yield "success gone", lambda new: operation(new)["responses"].pop("201"), "201"
    yield "refusal gone", lambda new: operation(new)["responses"].pop("404"), None
    yield "header gone", lambda new: operation(new)["responses"]["201"]["headers"].clear(), "header ETag"
    yield "parameter gone", lambda new: operation(new)["parameters"].clear(), "limit is gone"
    yield "parameter required", lambda new: operation(new)["parameters"][0].update(required=True), "limit is required"
    yield "parameter narrower", lambda new: operation(new)["parameters"][0]["schema"].update(maximum=5), "maximum 5"
    yield "parameter wider", lambda new: operation(new)["parameters"][0]["schema"].update(maximum=50), None
    yield "new parameter", lambda new: operation(new)["parameters"].append(
        {"name": "x", "in": "query", "required": True, "schema": {}}), "new and required"
    yield "new optional parameter", lambda new: operation(new)["parameters"].append(
        {"name": "x", "in": "query", "schema": {}}), None
    yield "body required", lambda new: operation(new)["requestBody"].update(required=True), "needs the body"
    yield "body of another type", lambda new: operation(new)["requestBody"].update(content={"text/plain": {}}), "json any more"
    yield "required", lambda new: sent(new).update(required=["size"]), "body/size is required"
    yield "new required", lambda new: (
        sent(new)["properties"].update(x={}), sent(new).update(required=["x"])), "body/x is new and required"
    yield "new optional", lambda new: sent(new)["properties"].update(x={}), None
    yield "sent member gone", lambda new: sent(new)["properties"].pop("size"), "body/size is gone"
    yield "sent value gone", lambda new: sent(new)["properties"]["kind"].update(enum=["a"]), "does not take ['b']"
    yield "sent value new", lambda new: sent(new)["properties"]["kind"].update(enum=["a", "b", "c"]), None
    yield "sent type changed", lambda new: sent(new)["properties"]["size"].update(type="string"), "is string, not integer"
    yield "sent null too", lambda new: sent(new)["properties"]["size"].update(type=["integer", "null"]), None
    yield "sent format", lambda new: sent(new)["properties"]["id"].update(format="uuid"), "format uuid"
    yield "answered member gone", lambda new: answered(new)["properties"].pop("size"), "answer 201/size is gone"
    yield "answered member new", lambda new: answered(new)["properties"].update(x={"type": "string"}), None
    yield "answered null", lambda new: answered(new)["properties"]["id"].update(type=["string", "null"]), "null or string"
    yield "answered may be missing", lambda new: answered(new).update(required=[]), "id may be missing"
    yield "answered value new", lambda new: answered(new)["properties"]["kind"].update(enum=["a", "b", "c"]), "may be ['c']"
    yield "answered wider", lambda new: answered(new)["properties"]["size"].update(maximum=20), "maximum 20"


def test():
    import copy
    failed = 0
    count = 0
    for name, change, expected in cases():
        # The parts of the sample share objects; a change is meant for one place.
        old = yaml.safe_load(yaml.dump(document(), Dumper=NoAliases))
        new = copy.deepcopy(old)
        change(new)
        found = Comparison(old, new).run()
        count += 1
        if (expected is None) == bool(found) or (expected and expected not in " ".join(what for _, what in found)):
            failed += 1
            print(f"{name}: wanted {expected}, found {found}")
    text = "# Changelog\n\n## 2.0.0\n\n### Breaking\n\n- `makeThing`: x\n\n### Added\n\n- `other`\n\n## 1.0.0\n\n### Breaking\n\n- `old`\n"
    if declared(text) != {"makeThing"}:
        failed += 1
        print(f"declared: {declared(text)}")
    print(f"{count + 1} cases, {failed} wrong")
    return 1 if failed else 0


class NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


if __name__ == "__main__":
    if sys.argv[1:] == ["--test"]:
        sys.exit(test())
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))

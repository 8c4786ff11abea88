#!/bin/bash
# clients.sh BASE_URL OPERATOR_KEY: two generators make clients of openapi.yaml, and each drives the whole cycle.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
tools=$root/.build/venv/bin
base=$1 key=$2
directory=$(mktemp -d /tmp/switchboard-clients-XXXXXX)
trap 'rm -rf "$directory"' EXIT

echo "openapi-python-client: generated, imported, driven"
"$tools/openapi-python-client" generate --path openapi.yaml --meta none --output-path "$directory/python/switchboard_client" \
    --config Tests/Contract/python-client.yaml >"$directory/python.log" 2>&1 || { cat "$directory/python.log"; exit 1; }
# An operation that it leaves out would be missed by nobody else.
if grep -E "Endpoint will not be generated|Unable to" "$directory/python.log"; then exit 1; fi
"$tools/python" -B Tests/Contract/cycle.py "$directory/python" "$base" "$key"

echo "openapi-generator typescript-fetch: generated, compiled by tsc, driven by node"
mkdir "$directory/typescript"
"$tools/openapi-generator-cli" generate --input-spec openapi.yaml --generator-name typescript-fetch \
    --output "$directory/typescript/client" >"$directory/typescript.log" 2>&1 || { cat "$directory/typescript.log"; exit 1; }
cp Tests/Contract/cycle.ts "$directory/typescript/"
# The generated files rely on a narrowing of `in` that Debian's compiler does not know; hence no noImplicitAny.
(cd "$directory/typescript" && tsc --strict --noImplicitAny false --target es2020 --lib es2020,dom,dom.iterable \
    --module commonjs --outDir out cycle.ts)
node "$directory/typescript/out/cycle.js" "$base" "$key"

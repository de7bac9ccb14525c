#!/usr/bin/env python3
"""Makes kube/schema_data.inc, the table of every kind and field of Kubernetes.

    scripts/make-schema.py OPENAPI-V2.json > kube/schema_data.inc

The argument is the OpenAPI v2 document that a Kubernetes API server publishes at /openapi/v2. The
table holds names, types and what is required; no descriptions. It is run by hand when the project
moves to a new version of Kubernetes.

Form (read by kube/schema.cc, which searches it as it stands, without an index):
    @GROUP/VERSION KIND TYPE n|c      a kind; n: lives in a namespace, c: cluster-scoped
    TYPE                              a type, sorted by name
     FIELD TYPEREF                    its fields, sorted; FIELD! is required
TYPEREF: string int32 int64 bool double quantity intorstring time microtime bytes any object,
a TYPE, [TYPEREF] a list, {TYPEREF} a map from string.
"""
import json
import re
import sys

VERSION = 'v1.36'  # the document does not tell
SPECIAL = {
    'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'intorstring',
    'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'time',
    'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'microtime',
    'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'object',
    'io.k8s.apimachinery.pkg.runtime.RawExtension': 'any',
    'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'any',
    'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': 'any',
    'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': 'any',
    'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray': 'any',
}


def collect_kinds(document):
    """Every kind that can be created: (group, version, kind) -> (definition, namespaced)."""
    by_gvk = {}
    for name, definition in document['definitions'].items():
        gvks = definition.get('x-kubernetes-group-version-kind', [])
        if len(gvks) == 1:
            gvk = gvks[0]
            by_gvk[(gvk['group'], gvk['version'], gvk['kind'])] = name
    kinds = {}
    for path, operations in document['paths'].items():
        post = operations.get('post')
        if not post or re.search(r'\{name\}', path):
            continue
        gvk = post.get('x-kubernetes-group-version-kind')
        if not gvk:
            continue
        key = (gvk['group'], gvk['version'], gvk['kind'])
        namespaced = '/namespaces/{namespace}/' in path
        kinds[key] = (by_gvk[key], namespaced)
    return kinds


def referenced(definition):
    for schema in definition.get('properties', {}).values():
        while 'items' in schema or 'additionalProperties' in schema:
            schema = schema.get('items') or schema.get('additionalProperties')
        if '$ref' in schema:
            yield schema['$ref'].rsplit('/', 1)[1]


def reachable(document, roots):
    seen, todo = set(), list(roots)
    while todo:
        name = todo.pop()
        if name in seen or name in SPECIAL:
            continue
        seen.add(name)
        todo.extend(referenced(document['definitions'][name]))
    return seen


def short_names(names):
    """The last part of a name where it is unique, else version or package in front."""
    def candidates(name):
        parts = name.split('.')
        yield parts[-1]
        yield parts[-3] + '.' + parts[-2] + '.' + parts[-1]

    short = {}
    for name in names:
        for candidate in candidates(name):
            if sum(1 for other in names if candidate in candidates(other)) == 1:
                short[name] = candidate
                break
        else:
            sys.exit('no short name for ' + name)
    return short


def type_ref(schema, short):
    if '$ref' in schema:
        name = schema['$ref'].rsplit('/', 1)[1]
        return SPECIAL.get(name) or short[name]
    kind = schema.get('type')
    if kind == 'array':
        return '[' + type_ref(schema['items'], short) + ']'
    if kind == 'object':
        values = schema.get('additionalProperties')
        return '{' + type_ref(values, short) + '}' if values else 'object'
    if kind == 'integer':
        return schema.get('format', 'int64')
    if kind == 'number':
        return 'double'
    if kind == 'boolean':
        return 'bool'
    if kind == 'string':
        return 'bytes' if schema.get('format') == 'byte' else 'string'
    return 'any'


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding='utf-8') as file:
        document = json.load(file)
    kinds = collect_kinds(document)
    types = reachable(document, [definition for definition, _ in kinds.values()])
    short = short_names(types)
    out = []
    for (group, version, kind), (definition, namespaced) in sorted(kinds.items()):
        api_version = group + '/' + version if group else version
        out.append(f'@{api_version} {kind} {short[definition]} {"n" if namespaced else "c"}')
    for name in sorted(types, key=lambda n: short[n]):
        definition = document['definitions'][name]
        required = set(definition.get('required', []))
        out.append(short[name])
        for field, schema in sorted(definition.get('properties', {}).items()):
            mark = '!' if field in required else ''
            out.append(f' {field}{mark} {type_ref(schema, short)}')
    print(f'// Kubernetes {VERSION}. Made by scripts/make-schema.py; not edited by hand.')
    print('R"(\n' + '\n'.join(out) + '\n)"')


if __name__ == '__main__':
    main()

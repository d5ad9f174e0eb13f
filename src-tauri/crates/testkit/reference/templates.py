"""Which paths templates read: `response.meta.next`, `record['id']`, `headers.get('X-Next')`."""

import jinja2
from jinja2 import nodes

ENVIRONMENT = jinja2.Environment(extensions=["jinja2.ext.loopcontrols"])


def paths(text, root):
    """All paths that start at the variable `root`, as tuples of keys."""
    if not isinstance(text, str) or root not in text:
        return []
    try:
        tree = ENVIRONMENT.parse(text if "{{" in text or "{%" in text else "{{ " + text + " }}")
    except jinja2.TemplateError:
        return []
    found = []
    walk(tree, root, found)
    return [path for path in dict.fromkeys(found) if path]


def walk(node, root, found):
    path = chain(node, root)
    if path is not None:
        found.append(tuple(path))
        if isinstance(node, nodes.Call):
            for argument in node.args:
                walk(argument, root, found)
        return
    for child in node.iter_child_nodes():
        walk(child, root, found)


def chain(node, root):
    """The keys from the root down to this node; None when it does not start there."""
    if isinstance(node, nodes.Name):
        return [] if node.name == root else None
    if isinstance(node, nodes.Getattr):
        return longer(node.node, root, node.attr)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return longer(node.node, root, node.arg.value)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr == "get":
        if node.args and isinstance(node.args[0], nodes.Const):
            return longer(node.node.node, root, node.args[0].value)
    return None


def longer(node, root, key):
    start = chain(node, root)
    return None if start is None else [*start, key]


def strings(tree):
    """All strings of a tree."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from strings(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from strings(item)


def constants(text):
    """The text and number literals in a template."""
    try:
        tree = ENVIRONMENT.parse(text if "{{" in text else "{{ " + text + " }}")
    except jinja2.TemplateError:
        return []
    return [node.value for node in tree.find_all(nodes.Const)]

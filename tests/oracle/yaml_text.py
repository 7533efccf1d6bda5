"""The part of YAML that rulebooks use, read and written (docs/rulebook.md, "How values are written").

Maps and lists by indentation, `{…}` and `[…]` over one or more lines, comments, quoted and plain texts, and `|` and `>`
blocks. All scalars stay texts: nothing is guessed. What is not one of these is an error.
"""

import re

FLOW_TOKEN = re.compile(r"""\s*([{}\[\],]|"(?:[^"\\]|\\.)*"\s*:?|'(?:[^']|'')*'\s*:?|"""
                        r"""[^{}\[\],"'\s](?:[^{}\[\],:]|:(?!\s))*(?::(?=\s))?)""")
KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s"'{\[#][^:#]*):(?:\s+|$)(.*)""")
COMMENT = re.compile(r"""^((?:[^"'#]|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?<=\S)[#"'])*?)(?:(?:^|(?<=\s))\#.*)?$""")


def _scalar(text):
    text = text.strip()
    if text[:1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text[1:-1].replace("''", "'") if text[:1] == "'" else text


def _flow(tokens):
    token = tokens.pop(0)
    if token == "[":
        result = []
        while tokens[0] != "]":
            result.append(_flow(tokens))
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
        return result
    if token == "{":
        result = {}
        while tokens[0] != "}":
            key = tokens.pop(0).removesuffix(":")
            result[_scalar(key)] = _flow(tokens)
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
        return result
    return _scalar(token)


def _value(text):
    if text[:1] not in "{[":
        return _scalar(text)
    tokens = [each.strip() for each in FLOW_TOKEN.findall(text)]
    result = _flow(tokens)
    if tokens:
        raise ValueError(f"behind a flow value stands {tokens}")
    return result


def _open(text):
    """Whether a flow value goes on in the next line."""
    bare = re.sub(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""", "", text)
    return sum(map(bare.count, "{[")) > sum(map(bare.count, "}]"))


def _whole(text, lines):
    while text[:1] in "{[" and text and _open(text):
        text += " " + lines.pop(0)[1]
    return _value(text)


def _folded(style, lines, indent):
    texts = []
    while lines and lines[0][0] > indent:
        texts.append(lines.pop(0)[1])
    return ("\n" if style[0] == "|" else " ").join(texts)


def _block(lines, indent):
    """The map or list whose lines begin at `indent`; takes them off the list."""
    result = [] if lines[0][1].startswith("- ") else {}
    while lines and lines[0][0] == indent:
        text = lines[0][1]
        if isinstance(result, list):
            inner = text[2:].lstrip()
            if inner[:1] not in "{[" and KEY.fullmatch(inner):
                lines[0] = (indent + len(text) - len(inner), inner)
                result.append(_block(lines, lines[0][0]))
            else:
                lines.pop(0)
                result.append(_whole(inner, lines))
            continue
        match = KEY.fullmatch(text)
        if not match:
            raise ValueError(f"no 'key: value': {text}")
        lines.pop(0)
        if match[2] in ("|", ">", "|-", ">-"):
            result[_scalar(match[1])] = _folded(match[2], lines, indent)
        else:
            result[_scalar(match[1])] = _whole(match[2], lines) if match[2] else _block(lines, lines[0][0])
    return result


def read_yaml(text):
    lines = []
    for line in text.splitlines():
        match = COMMENT.match(line)
        line = (match[1] if match else line).rstrip()
        if line:
            lines.append((len(line) - len(line.lstrip()), line.lstrip()))
    result = _block(lines, 0)
    if lines:
        raise ValueError(f"not understood: {lines[0][1]}")
    return result


def written(node):
    """A value as YAML in flow style."""
    if isinstance(node, dict):
        return "{" + ", ".join(f"{written(key)}: {written(each)}" for key, each in node.items()) + "}"
    if isinstance(node, (list, tuple)):
        return "[" + ", ".join(map(written, node)) + "]"
    if isinstance(node, bool):
        return "true" if node else "false"
    text = str(node)
    if re.fullmatch(r"[\w.+-][\w.+ -]*", text) and text == text.strip():
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def written_rulebook(node):
    """Key by key in block style at the top, the entries of lists a line each."""
    lines = []
    for key, value in node.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{key}:"] + [f"  - {written(each)}" for each in value]
        elif isinstance(value, dict) and key == "currencies":
            lines += [f"{key}:"] + [f"  {name}: {written(each)}" for name, each in value.items()]
        else:
            lines.append(f"{key}: {written(value)}")
    return "\n".join(lines) + "\n"

"""How YAML is written here: a value a line, long texts as blocks, nothing abbreviated."""

from __future__ import annotations

from typing import Any

import yaml

WIDTH = 100
BREAKS = frozenset("\x85\u2028\u2029")  # which YAML takes for line ends, unless they are escaped


class Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    long = "\n" in text or len(text) > WIDTH
    style = "|" if long and text[:1].strip() else None  # leading spaces are safer in quotes
    style = '"' if BREAKS.intersection(text) else style
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, _text)


def as_yaml(tree: dict[str, Any], remarks: list[str]) -> str:
    comments = "".join(f"# {' '.join(remark.split())}\n" for remark in remarks)
    return comments + yaml.dump(
        tree,
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=float("inf"),
    )

from __future__ import annotations

import pytest

from feedback.data_paths import Asked, asked, found_in, leaves, shown, written

JIRA = {
    "priority": {"name": "High"},
    "fixVersions": [{"name": "2.1"}, {"name": "2.2"}],
    "labels": ["Lens", "cap"],
    "points": 5,
    "done": True,
    "due": None,
    "note": "",
    "System.State": "Active",
    'a "b" \\c': {"": 1},
    "0": "nought",
}


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("jirafixed", Asked("jirafixed")),
        ("JiraFixed=High", Asked("jirafixed", (), "High")),
        ("jirafixed.priority.name=High", Asked("jirafixed", ("priority", "name"), "High")),
        ("j.a = b = c ", Asked("j", ("a",), "b = c")),
        ("j.Story Points=5", Asked("j", ("Story Points",), "5")),
        ("j.a[0][12].b", Asked("j", ("a", 0, 12, "b"))),
        ("j[3]", Asked("j", (3,))),
        ("j.0.Größe=ü", Asked("j", ("0", "Größe"), "ü")),
        ('j."System.State"=Active', Asked("j", ("System.State",), "Active")),
        (r'j."a \"b\" \\c"."x=y"', Asked("j", ('a "b" \\c', "x=y"))),
        ("my-data_2.x", Asked("my-data_2", ("x",))),
    ],
)
def test_what_is_asked_is_a_name_a_path_and_a_value(text, understood):
    assert asked(text) == understood
    assert asked(str(understood)) == understood


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "=High",
        ".a",
        "j.",
        "j..a",
        "j.a=",
        "j.a= ",
        "j a",
        "j.a[-1]",
        "j.a[x]",
        "j.a[*]",
        "j.a[123456]",
        'j."a',
        r'j."\u0000"',
        "j.a\nb=1",
        "j.a=b\0",
        "j.a=\ud800",
        "ü.a=1",
        "j.a=" + "x" * 300,
        "j" + ".a" * 51,
    ],
)
def test_what_is_not_such_a_text_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        asked(text)


def test_a_path_of_fifty_steps_is_understood():
    assert len(asked("j" + ".a" * 50).steps) == 50


@pytest.mark.parametrize(
    ("what", "met"),
    [
        ("j", True),
        ("j.priority", True),
        ("j.priority.name=high", True),
        ("j.priority.name=Hig", False),
        ("j.Priority.name=High", False),  # names are as they are
        ("j.fixVersions.name=2.2", True),
        ("j.fixVersions[0].name=2.2", False),
        ("j.fixVersions[1].name=2.2", True),
        ("j.fixVersions[2].name", False),
        ("j.labels=lens", True),
        ("j.labels[1]=cap", True),
        ("j.priority[0].name=High", True),  # one is a list of one
        ("j.points=5", True),
        ("j.points=5.0", True),
        ("j.points=05", False),
        ("j.points=50", False),
        ("j.done=true", True),
        ("j.done=True", True),
        ("j.done=1", False),
        ("j.points=true", False),
        ("j.due", False),
        ("j.due=null", False),
        ("j.note", False),
        ("j.nothing", False),
        ("j.priority=High", False),
        ('j."System.State"=active', True),
        ("j.System.State=active", False),
        ("j.0=nought", True),
        ("j[0].points=5", True),
        ("j.points=1e999", False),
        ("j.points=" + "9" * 280, False),
    ],
)
def test_a_value_is_met_as_json_and_a_text_in_any_letter_case(what, met):
    assert asked(what).is_met_by(JIRA) is met


def test_what_stands_at_a_path_stands_at_its_leaves():
    for steps, value in leaves(JIRA):
        assert found_in(JIRA, steps) == [value]
        assert asked(f"{written('j', steps)}={shown(value)}").is_met_by(JIRA)

    assert [written("j", steps) for steps, _ in leaves(JIRA)] == [
        "j.priority.name",
        "j.fixVersions[0].name",
        "j.fixVersions[1].name",
        "j.labels[0]",
        "j.labels[1]",
        "j.points",
        "j.done",
        'j."System.State"',
        'j."a \\"b\\" \\\\c".""',
        "j.0",
    ]


def test_a_long_value_is_shown_in_short():
    assert shown("x" * 300) == "x" * 200 + "…"
    assert (shown(True), shown(0.5), shown("ü")) == ("true", "0.5", "ü")

"""What is derived from the code is as the code would write it now."""

from scripts import _generate


def test_generated_files_are_current() -> None:
    assert [path.name for path, text in _generate.wanted().items() if path.read_text("utf-8") != text] == []

from tests.architecture import picture


def test_the_picture_of_the_rooms_is_drawn_from_the_imports_as_they_are():
    assert picture.FILE.read_text(encoding="utf-8") == picture.picture(), "Run: make picture"


def test_an_import_is_seen_and_one_that_is_not_there_is_not():
    found = picture.imports(["ui", "engine", "trace", "errors"])
    assert ("ui", "engine") in found
    assert ("engine", "trace") in found
    assert ("engine", "ui") not in found
    assert ("errors", "trace") not in found

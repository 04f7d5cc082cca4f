"""Several processes behind one address: whose letters are whose, and how each is found."""

import pytest

from kvviz.errors import OptionsError, RoomElsewhereError, RoomError
from kvviz.ui.rooms import Process, RoomStore
from kvviz.ui.rooms.room_code import LETTERS
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.served_bytes import serve_buffer, serve_script

FIRST, SECOND = (Process.read({"KVVIZ_PROCESS": name}) for name in ("b-k", " M-Z "))


def test_processes_share_all_letters_out_so_codes_are_as_hard_to_guess_as_of_one():
    assert (FIRST.letters + SECOND.letters, Process.read({}).letters) == (LETTERS, LETTERS)
    assert (FIRST.name, SECOND.name, Process.read({}).name) == ("b-k", "m-z", "")
    assert Process.read({"KVVIZ_PROCESS": "c"}).letters == "C"
    for own in (FIRST, SECOND):
        store = RoomStore(own=own)
        codes = [store.open()[0].code for _ in range(40)]
        assert {code[0] for code in codes} <= set(own.letters)
        # The other letters are of all.
        assert len({letter for code in codes for letter in code[1:]}) > len(own.letters)


@pytest.mark.parametrize("name", ["1", "a", "k-b", "b-", "bb", "b-k-m", "é", "<b>"])
def test_what_is_no_range_of_letters_stops_the_start_with_a_sentence(name):
    with pytest.raises(OptionsError, match="KVVIZ_PROCESS") as caught:
        Environment.read({"KVVIZ_PROCESS": name})
    assert repr(name) in caught.value.found
    assert Environment.read({"KVVIZ_PROCESS": "b-k"}).process == FIRST


def test_a_code_of_another_process_is_not_said_to_be_of_no_room():
    store = RoomStore(own=FIRST)
    with pytest.raises(RoomElsewhereError, match="in another process") as caught:
        store.find(" z-bbbb")
    assert caught.value.code == "ZBBBB"
    for text, word in (("BBBBB", "There is no room"), ("Z1", "has 5 letters"), ("", "has 5")):
        with pytest.raises(RoomError, match=word) as wrong:
            store.find(text)
        assert not isinstance(wrong.value, RoomElsewhereError)


def test_what_a_page_fetches_names_the_process_that_has_it(monkeypatch):
    buffer, script = serve_buffer(b"rows"), serve_script("export default 1;")
    assert buffer.address == f"_kvviz/bytes/{buffer.name}"
    monkeypatch.setenv("KVVIZ_PROCESS", "b-k")
    assert buffer.address == f"at/b-k/_kvviz/bytes/{buffer.name}"
    # A script is the same in all, and the browser keeps one.
    assert script.address == f"_kvviz/bytes/{script.name}"

"""The forms there are, and what each has."""

import pytest

from filtered_websocket.filters.http_callback.forms import FORMS
from tests.filters.http_callback.asking import connection


@pytest.mark.parametrize("name", FORMS)
def test_a_form_has_a_word_and_a_question_for_each_of_its_events(name):
    form = FORMS[name]
    for event, word in form.WORDS.items():
        asked = form.question(event, connection(), b"x", False, "chat")
        assert (asked.event, asked.word) == (event, word)
        assert form.read(asked, 403, b"").status == 403

"""Forms of questions and answers. Each has `WORDS`, events -> their names in it; `question`; and `read`."""

from filtered_websocket.filters.http_callback import centrifugo_form, native_form

FORMS = {"native": native_form, "centrifugo": centrifugo_form}

import re
from typing import Any
from urllib.parse import quote

import pytest

from filtered_websocket.server.cluster import Answers
from filtered_websocket.web.dashboard.endpoints import FILES, FOLDER
from tests.support.dashboard_servers import SECRET, post, shown
from tests.support.http_client import ask
from tests.support.serving import serving


def test_the_page_and_its_parts_come_with_a_policy_that_lets_nothing_foreign_in() -> None:
    with serving() as served:
        page = ask(served.address, "GET", "/dashboard")
        text = page.body.decode()
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        parts = set(re.findall(r'(?:src|href)="dashboard/([^"]+)"', text))
        modules = (FOLDER / name for name in FILES if name.endswith(".js"))
        parts |= {each for module in modules for each in re.findall(r'from "\./([^"]+)"', module.read_text())}
        assert parts | {"index.html"} == set(FILES), "a part that nobody asks for, or one that is not there"
        for part in sorted(parts):
            answer = ask(served.address, "GET", f"/dashboard/{part}")
            assert (answer.status, answer.headers["content-type"]) == (200, FILES[part])
            for each in (page, answer):
                assert "default-src 'none'" in each.headers["content-security-policy"]
                assert "unsafe" not in each.headers["content-security-policy"]
                assert each.headers["x-content-type-options"] == "nosniff"
                assert each.headers["x-frame-options"] == "DENY"
        assert not re.search(r"<script>|<style>|\son\w+=|\sstyle=|https?://", text), "nothing is written into the page"


def test_no_other_file_can_be_had() -> None:
    with serving() as served:
        for path in ("nothing.js", "../base.py", "..%2fbase.py", "%2fetc%2fpasswd", "style.css/x", "style.css%00"):
            assert ask(served.address, "GET", f"/dashboard/{path}").status == 404, path
        moved = ask(served.address, "GET", "/dashboard/")
        assert (moved.status, moved.headers["location"]) == (308, "../dashboard")


def test_it_is_for_this_machine_unless_there_is_a_secret() -> None:
    paths = ("/dashboard", "/dashboard/", "/dashboard/style.css", "/dashboard/figures")
    with serving() as served:
        for path in paths:
            assert ask(served.address, "GET", path, headers={"Host": "evil.example"}).status == 403
            assert ask(served.address, "GET", path, headers={"X-Forwarded-For": "127.0.0.1"}).status == 403
    with serving(admin_secret="s3cret") as served:
        for path in paths:
            refused = ask(served.address, "GET", path)
            assert (refused.status, refused.headers["www-authenticate"][:5]) == (401, "Basic")
        shown(served, headers={"Authorization": "Bearer s3cret", "Host": "public.example"})
    with serving(admin_port=0) as served:
        for path in paths:
            assert ask(served.address, "GET", path).status == 404


@pytest.mark.parametrize(
    "since", ["x", "[]", '{"a":1}', '{"a":[1]}', '{"a":[1,"x"]}', '{"a":[NaN,1]}', '{"a":[1,1e999]}', "[" * 5000]
)
def test_what_is_no_place_to_go_on_from_is_refused(since: str) -> None:
    with serving() as served:
        answer = ask(served.address, "GET", f"/dashboard/figures?since={quote(since)}")
        assert (answer.status, answer.json["error"][:17]) == (400, '"since" is a JSON')


def test_all_processes_are_shown_and_who_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as served:

        async def partly(what: str, values: Any, seconds: float) -> Answers:
            assert (what, values) == ("figures", {"since": {}})
            return Answers({"one": {}, "two": {}}, ["three"])

        monkeypatch.setattr(served.server.cluster, "ask", partly)
        found = ask(served.address, "GET", "/dashboard/figures").json
        assert (set(found["processes"]), found["unanswered"]) == ({"one", "two"}, ["three"])


def test_the_page_knows_whether_it_may_steer_and_asks_where_no_pack_can_be_in_its_place() -> None:
    paths = ("/dashboard/connections", "/dashboard/channels?limit=1")
    with serving() as served:
        assert shown(served)["may_steer"] is False
        assert ask(served.address, "DELETE", "/dashboard/connections?user=a").status == 403
        assert [ask(served.address, "GET", path).status for path in paths] == [200, 200]
        assert [ask(served.address, "GET", path, None, {"Host": "evil.example"}).status for path in paths] == [403, 403]
    with serving(admin_secret="admin") as served:
        secret = {"Authorization": "Bearer admin"}
        assert shown(served, headers=secret)["may_steer"] is True
        assert ask(served.address, "DELETE", "/dashboard/connections/none", None, secret).status == 404
        assert [ask(served.address, "GET", path).status for path in (*paths, "/dashboard/trace?user=a")] == [401] * 3


def test_watching_and_publishing_take_the_publish_secret_beside_the_admins() -> None:
    body = {"channel": "all", "data": "hi"}
    with serving() as served:
        for path in ("watch", "publish"):
            refused = post(served, path, body)
            assert refused.status == 404
            assert "publish_secret" in refused.json["error"]
    with serving(publish_secret=SECRET) as served:
        for path in ("watch", "publish"):
            for secret in ("", "another", "\xe9"):
                assert post(served, path, body, secret).status == 403
            # In a header that no page of another origin can send without being allowed to, and not in Authorization.
            alone = ask(served.address, "POST", f"/dashboard/{path}", body, {"Authorization": f"Bearer {SECRET}"})
            assert alone.status == 403
            assert post(served, path, body, Host="evil.example").status == 403
            assert ask(served.address, "OPTIONS", f"/dashboard/{path}", headers={"Origin": "https://evil.example"}).headers.get(
                "access-control-allow-origin"
            ) is None  # fmt: skip
    with serving(publish_secret=SECRET, admin_secret="admin") as served:
        assert post(served, "watch", body).status == 401
        assert post(served, "watch", body, Authorization="Bearer admin").status == 200

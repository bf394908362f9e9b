"""`hiveloom serve token`."""

from __future__ import annotations

import json

from tests.support.program import run_hiveloom


def test_a_token_alone_is_on_stdout_and_shown_once() -> None:
    done = run_hiveloom("serve", "token", "create", "notebook")
    assert done.exit_code == 0
    assert done.stdout.startswith("hlm_")
    assert done.stdout.count("\n") == 1
    assert "Made the token notebook" in done.stderr
    secret = done.stdout.strip()
    assert secret not in done.stderr
    for args in (("list",), ("list", "--json")):
        listed = run_hiveloom("serve", "token", *args)
        assert "notebook" in listed.stdout
        assert secret[4:12] not in listed.stdout + listed.stderr


def test_tokens_are_listed_for_people_and_programs() -> None:
    assert "There is no token yet" in run_hiveloom("serve", "token", "list").stderr
    run_hiveloom("serve", "token", "create", "--name", "notebook")
    run_hiveloom("serve", "token", "create")
    rows = json.loads(run_hiveloom("serve", "token", "list", "--json").stdout)
    assert [row["name"] for row in rows] == ["notebook", "token-1"]
    assert all(set(row) == {"id", "name", "created_at"} for row in rows)
    lines = run_hiveloom("serve", "token", "list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "ID", "CREATED"]
    assert [line.split()[:2] for line in lines[1:]] == [[row["name"], row["id"]] for row in rows]


def test_a_token_is_revoked_by_name_or_id() -> None:
    run_hiveloom("serve", "token", "create", "notebook")
    run_hiveloom("serve", "token", "create", "phone")
    rows = json.loads(run_hiveloom("serve", "token", "list", "--json").stdout)
    assert run_hiveloom("serve", "token", "revoke", "notebook").stdout == "Revoked notebook.\n"
    assert run_hiveloom("serve", "token", "revoke", rows[1]["id"]).stdout == "Revoked phone.\n"
    assert json.loads(run_hiveloom("serve", "token", "list", "--json").stdout) == []
    gone = run_hiveloom("serve", "token", "revoke", "phone")
    assert (gone.exit_code, gone.stdout) == (5, "")
    assert "hiveloom serve token list" in gone.stderr


def test_a_token_given_in_the_place_of_a_name_is_not_repeated() -> None:
    secret = run_hiveloom("serve", "token", "create").stdout.strip()
    for verb in ("revoke", "create"):
        done = run_hiveloom("serve", "token", verb, secret)
        assert done.exit_code != 0
        assert secret not in done.stdout + done.stderr

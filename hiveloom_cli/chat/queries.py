"""The SQL that reads and writes saved conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.chat.record import Filter

ADD_CONVERSATION = """
    INSERT INTO conversation (id, agent, model, title, settings, begun_at, changed_at)
    VALUES (:id, :agent, :model, :title, :settings, :at, :at)
    ON CONFLICT (id) DO UPDATE SET changed_at = :at
"""
TOUCH_CONVERSATION = """
    UPDATE conversation SET agent = :agent, model = :model, settings = :settings, changed_at = :at
    WHERE id = :id
"""
ADD_MESSAGE = """
    INSERT INTO message (
        conversation, turn, role, state, content, text, said_at,
        agent, agent_version, model, protocol, base_url, credential
    ) VALUES (
        (SELECT number FROM conversation WHERE id = :id), :turn, :role, :state, :content, :text,
        :at, :agent, :agent_version, :model, :protocol, :base_url, :credential
    )
"""
BEGIN_TURN = "UPDATE message SET turn = number WHERE number = ?"
CHANGE_MESSAGE = """
    UPDATE message SET role = :role, state = :state, content = :content, text = :text
    WHERE number = :number
"""
END_MESSAGE = """
    UPDATE message SET
        input_tokens = :input_tokens, output_tokens = :output_tokens,
        cached_input_tokens = :cached_input_tokens, first_token_ms = :first_token_ms,
        duration_ms = :duration_ms, finish_reason = :finish_reason
    WHERE number = :number
"""
DROP_MESSAGE = "DELETE FROM message WHERE number = ?"
REPLACE_MESSAGE = "UPDATE message SET is_replaced = ? WHERE number = ?"
COPY_CONVERSATION = """
    INSERT INTO conversation (id, agent, model, title, settings, begun_at, changed_at)
    SELECT :new_id, agent, model, title, settings, :at, :at FROM conversation WHERE id = :id
"""
COPY_MESSAGE = """
    INSERT INTO message (
        conversation, role, state, content, text, said_at,
        agent, agent_version, model, protocol, base_url, credential, finish_reason
    ) SELECT
        (SELECT number FROM conversation WHERE id = :new_id), role, state, content, text, said_at,
        agent, agent_version, model, protocol, base_url, credential, finish_reason
    FROM message WHERE number = :number
"""
TURN = "SELECT turn FROM message WHERE number = ?"
SET_TURN = "UPDATE message SET turn = ? WHERE number = ?"
# A question is answered once anything has come that still counts.
JUDGE_QUESTION = """
    UPDATE message SET state = CASE WHEN EXISTS (
        SELECT 1 FROM message AS answer
        WHERE answer.conversation = message.conversation AND answer.turn = message.number
            AND answer.number <> message.number AND NOT answer.is_replaced
    ) THEN 'complete' ELSE 'unanswered' END
    WHERE number = :turn
"""
TOUCH_TURN = """
    UPDATE conversation SET changed_at = :at
    WHERE number = (SELECT conversation FROM message WHERE number = :turn)
"""
RENAME = "UPDATE conversation SET title = :title WHERE id = :id"
TITLE = "SELECT title FROM conversation WHERE id = :id"
FIND_IDS = "SELECT id FROM conversation WHERE id >= :prefix AND id < :prefix || '{' LIMIT :limit"
RECENT_IDS = """
    SELECT id, title FROM conversation
    WHERE id >= :prefix AND id < :prefix || '{' ORDER BY id DESC LIMIT :limit
"""
# Of the newest conversations with an agent, those whose last answered question is of that text.
ASKED_LAST = """
    SELECT c.id FROM (
        SELECT number, id FROM conversation WHERE agent = :agent
        ORDER BY changed_at DESC LIMIT :among
    ) AS c
    WHERE :text = (
        SELECT m.text FROM message AS m
        WHERE m.conversation = c.number AND m.turn = m.number
            AND NOT m.is_replaced AND m.state <> 'unanswered'
        ORDER BY m.turn DESC LIMIT 1
    )
    LIMIT :limit
"""
MESSAGES = """
    SELECT * FROM message WHERE conversation = (SELECT number FROM conversation WHERE id = :id)
    ORDER BY turn, number
"""
SAVE_RECAP = """
    INSERT INTO recap (conversation, last, text, made_at)
    SELECT number, :last, :text, :at FROM conversation WHERE id = :id
    ON CONFLICT (conversation) DO UPDATE SET last = :last, text = :text, made_at = :at
"""
RECAP = "SELECT * FROM recap WHERE conversation = (SELECT number FROM conversation WHERE id = :id)"
DELETE_MESSAGES = """
    DELETE FROM message WHERE conversation = (SELECT number FROM conversation WHERE id = ?)
"""
DELETE_CONVERSATION = "DELETE FROM conversation WHERE id = ?"
# What is left of deleted words in the index is merged away, so many pages at a time.
MERGE_INDEX = "INSERT INTO message_text (message_text, rank) VALUES ('merge', ?)"

_SUMMARY = """
    SELECT c.id, c.agent, c.model, c.title, c.begun_at, c.changed_at, (
        SELECT count(*) FROM message AS m WHERE m.conversation = c.number AND NOT m.is_replaced
    ) AS messages, c.settings
    FROM conversation AS c
"""
SUMMARY = f"{_SUMMARY} WHERE c.id = :id"

# What was answered elsewhere has no model, and cost nothing here.
_ANSWERED = "m.role = 'assistant' AND m.model <> ''"
_DAY = "strftime('%Y-%m-%d', m.said_at / 1000, 'unixepoch', 'localtime')"  # the person's own
_CONVERSATION_TESTS: Mapping[str, str] = {
    "agent": "c.agent = :agent",
    "model": "c.model = :model",
    "since": "c.changed_at >= :since",
    "until": "c.changed_at < :until",
}
# Where tools ran, what all requests of a turn cost is told with its last answer.
_TOLD_LATER = """
    CASE WHEN 'user' = (
        SELECT role FROM message AS n
        WHERE n.conversation = m.conversation AND n.turn = m.turn AND n.number > m.number
        ORDER BY n.number LIMIT 1
    ) AND EXISTS (
        SELECT 1 FROM message AS n
        WHERE n.conversation = m.conversation AND n.turn = m.turn AND n.number > m.number
            AND n.role = 'assistant' AND n.{tokens} IS NOT NULL
    ) THEN 0 END
"""
_GUESSED_INPUT = f"""
    coalesce(max(m.input_tokens, 0), {_TOLD_LATER.format(tokens="input_tokens")}, (
        SELECT sum(length(CAST(e.text AS BLOB)) / 4 + 1) FROM message AS e
        WHERE e.conversation = m.conversation AND e.number < m.number AND NOT e.is_replaced
    ))
"""  # noqa: S608 - no text of anyone's is in it
_GUESSED_OUTPUT = f"""
    coalesce(max(m.output_tokens, 0), {_TOLD_LATER.format(tokens="output_tokens")},
        length(CAST(m.text AS BLOB)) / 4 + 1)
"""
_MESSAGE_TESTS: Mapping[str, str] = {
    "id": "m.conversation = (SELECT number FROM conversation WHERE id = :id)",
    "agent": "m.agent = :agent",
    "model": "m.model = :model",
    "since": "m.said_at >= :since",
    "until": "m.said_at < :until",
}


def build_list(wanted: Filter) -> tuple[str, dict[str, Any]]:
    """Build the query for the newest `:limit` conversations, and its values but the limit."""
    where, values = _build_tests(wanted, _CONVERSATION_TESTS)
    return f"{_SUMMARY} WHERE {where} ORDER BY c.changed_at DESC LIMIT :limit", values


def build_count(wanted: Filter) -> tuple[str, dict[str, Any]]:
    """Build the query that counts conversations, and its values."""
    where, values = _build_tests(wanted, _CONVERSATION_TESTS)
    return f"SELECT count(*) AS number FROM conversation AS c WHERE {where}", values  # noqa: S608 - no text of anyone's is in it


def build_ids(wanted: Filter) -> tuple[str, dict[str, Any]]:
    """Build the query for the ids of conversations, newest first, and its values."""
    where, values = _build_tests(wanted, _CONVERSATION_TESTS)
    sql = f"SELECT c.id FROM conversation AS c WHERE {where} ORDER BY c.changed_at DESC"  # noqa: S608 - as above
    return sql, values


def build_search(wanted: Filter) -> tuple[str, dict[str, Any]]:
    """Build the query for the newest messages that match, and its values but query and limit.

    The index is read from its newest end and no further than needed, however many there are.
    """
    where, values = _build_tests(wanted, _MESSAGE_TESTS)
    return (
        f"""
        SELECT c.id, c.agent, c.title, m.said_at,
            CASE WHEN CAST(m.content AS TEXT) LIKE '[{{"type":"tool_result"%' THEN 'tool'
                ELSE m.role END AS role,
            snippet(message_text, 0, char(2), char(3), '…', 24) AS snippet
        FROM message_text
        CROSS JOIN message AS m ON m.number = message_text.rowid
        CROSS JOIN conversation AS c ON c.number = m.conversation
        WHERE message_text MATCH :query AND NOT m.is_replaced AND {where}
        ORDER BY message_text.rowid DESC LIMIT :limit
        """,  # noqa: S608 - as above
        values,
    )


def build_used(wanted: Filter, *, is_guessed: bool) -> tuple[str, dict[str, Any]]:
    """Build the query that adds up tokens by day, model and address, and its values.

    What was not reported of any of them is NULL, unless it `is_guessed`.
    """
    where, values = _build_tests(wanted, _MESSAGE_TESTS)
    went = _GUESSED_INPUT if is_guessed else "m.input_tokens"
    came = _GUESSED_OUTPUT if is_guessed else "m.output_tokens"
    return (
        f"""
        SELECT {_DAY} AS day, m.model, m.base_url, sum({went}) AS input_tokens,
            sum({came}) AS output_tokens,
            sum(m.cached_input_tokens) AS cached_input_tokens
        FROM message AS m
        WHERE {_ANSWERED} AND {where} GROUP BY day, m.model, m.base_url
        """,  # noqa: S608 - as above
        values,
    )


def build_stats(wanted: Filter) -> tuple[str, dict[str, Any]]:
    """Build the query that adds up what models did, day by day, newest first."""
    where, values = _build_tests(wanted, _MESSAGE_TESTS)
    return (
        f"""
        SELECT {_DAY} AS day, m.model,
            count(*) AS answers,
            coalesce(sum(m.input_tokens), 0) AS input_tokens,
            coalesce(sum(m.output_tokens), 0) AS output_tokens,
            coalesce(sum(m.cached_input_tokens), 0) AS cached_input_tokens,
            avg(m.first_token_ms) AS first_token_ms,
            1000.0 * sum(m.output_tokens) FILTER (WHERE m.duration_ms > 0)
                / sum(m.duration_ms) FILTER (WHERE m.output_tokens IS NOT NULL) AS tokens_per_s
        FROM message AS m
        WHERE {_ANSWERED} AND {where}
        GROUP BY day, m.model ORDER BY day DESC, m.model
        """,  # noqa: S608 - as above
        values,
    )


def _build_tests(wanted: Filter, tests: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {}
    for name in tests:
        value = getattr(wanted, name)
        if value is not None:
            is_time = name in ("since", "until")
            values[name] = round(value.timestamp() * 1000) if is_time else value
    return " AND ".join(tests[name] for name in values) or "1", values

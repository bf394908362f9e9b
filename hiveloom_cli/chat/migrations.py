"""The tables of saved conversations, one step for each version of the file's format.

Step number n, from 0, leads from version n to n + 1; a new file takes them all. A step that has
been published is never changed: what comes next is a step of its own.
"""

from __future__ import annotations

from typing import TypeAlias

Migrations: TypeAlias = tuple[tuple[str, ...], ...]

_VERSION_1 = (
    """
    CREATE TABLE conversation (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        agent TEXT NOT NULL,
        model TEXT NOT NULL,
        title TEXT NOT NULL,
        settings BLOB NOT NULL,
        begun_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL
    )
    """,
    "CREATE INDEX conversation_by_change ON conversation (changed_at)",
    "CREATE INDEX conversation_by_agent ON conversation (agent, changed_at)",
    "CREATE INDEX conversation_by_model ON conversation (model, changed_at)",
    # `turn` is the number of the question, also of the question itself. Times are milliseconds. No
    # number is given twice: a chat must not write into what took a deleted message's place.
    """
    CREATE TABLE message (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation INTEGER NOT NULL REFERENCES conversation (number) ON DELETE CASCADE,
        turn INTEGER,
        role TEXT NOT NULL,
        state TEXT NOT NULL,
        is_replaced INTEGER NOT NULL DEFAULT 0,
        content BLOB NOT NULL,
        text TEXT NOT NULL,
        said_at INTEGER NOT NULL,
        agent TEXT NOT NULL,
        agent_version INTEGER NOT NULL,
        model TEXT NOT NULL,
        protocol TEXT NOT NULL,
        base_url TEXT NOT NULL,
        credential TEXT NOT NULL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        cached_input_tokens INTEGER,
        first_token_ms INTEGER,
        duration_ms INTEGER,
        finish_reason TEXT
    )
    """,
    "CREATE INDEX message_by_turn ON message (conversation, turn, number)",
    "CREATE INDEX answer_by_time ON message (said_at) WHERE role = 'assistant'",
    # The text stands in `message` alone; here are its words.
    """
    CREATE VIRTUAL TABLE message_text USING fts5 (
        text, content='message', content_rowid='number',
        tokenize='unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
        INSERT INTO message_text (rowid, text) VALUES (new.number, new.text);
    END
    """,
    """
    CREATE TRIGGER message_changed AFTER UPDATE OF text ON message BEGIN
        INSERT INTO message_text (message_text, rowid, text)
        VALUES ('delete', old.number, old.text);
        INSERT INTO message_text (rowid, text) VALUES (new.number, new.text);
    END
    """,
    """
    CREATE TRIGGER message_deleted AFTER DELETE ON message BEGIN
        INSERT INTO message_text (message_text, rowid, text)
        VALUES ('delete', old.number, old.text);
    END
    """,
)
# What is sent in the place of all messages up to the one numbered `last`; it goes with its
# conversation, and with that message.
_VERSION_2 = (
    """
    CREATE TABLE recap (
        conversation INTEGER PRIMARY KEY REFERENCES conversation (number) ON DELETE CASCADE,
        last INTEGER NOT NULL REFERENCES message (number) ON DELETE CASCADE,
        text BLOB NOT NULL,
        made_at INTEGER NOT NULL
    )
    """,
    "CREATE INDEX recap_by_last ON recap (last)",
)
MIGRATIONS: Migrations = (_VERSION_1, _VERSION_2)

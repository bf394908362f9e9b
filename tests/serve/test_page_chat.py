"""The chat page as a person meets it, in a real browser."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.support.patience import PATIENCE_S
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.upstream import (
    Ending,
    Reply,
    ScriptedUpstream,
    json_reply,
    openai_chunk,
    openai_error,
    openai_stream,
    sse,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.browser import Browser

_END = (openai_chunk(finish_reason="stop"), sse("[DONE]"))
_LAST = ".answer.last .said"


@pytest.fixture
def agents(home: Path) -> None:
    (home / "agents").mkdir()
    for name, description in (("helper", "Helps with everything."), ("poet", "Rhymes.")):
        text = f"---\nmodel: m\ndescription: {description}\n---\n"
        (home / "agents" / f"{name}.md").write_text(text)


@pytest.fixture
def served(agents: None, upstream: ScriptedUpstream, host: str) -> Iterator[Served]:
    address = upstream.openai_base_url
    with serve("--no-token", "--host", host, HIVELOOM_OPENAI_BASE_URL=address) as server:
        yield server


@pytest.fixture
def guarded(agents: None, upstream: ScriptedUpstream, host: str) -> Iterator[Served]:
    with serve("--host", host, HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        yield server


def say(text: str) -> Reply:
    return stream_reply(openai_stream(text))


def read_said(upstream: ScriptedUpstream, number: int = -1) -> list[tuple[str, str]]:
    """Return who said what in a request to the upstream, without the agent's prompt."""
    messages: list[dict[str, Any]] = upstream.requests[number].json["messages"]
    return [(one["role"], one["content"]) for one in messages if one["role"] != "system"]


def test_without_tokens_nothing_is_asked_and_an_answer_comes_as_markdown(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("Some **bold** words.\n\n```py\nx = 1\n```\n"))
    browser.take_errors()
    browser.open(served.origin)
    browser.write("hello\n")
    browser.wait_for_text(_LAST, "x = 1")
    assert browser.read(".question .said") == "hello"
    assert browser.read(f"{_LAST} strong") == "bold"
    assert not browser.is_shown("#asking")
    assert browser.take_errors() == []
    assert browser.read_violations() == []


def test_a_token_is_asked_for_once_and_a_wrong_one_again(
    browser: Browser, guarded: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("Yes."))
    browser.open(guarded.origin)
    browser.wait_for("#token").send_keys("nobody's", Keys.ENTER)
    browser.wait_for_text("#asking-trouble", "not known here, or was revoked")
    browser.wait_for("#token").send_keys("für niemanden", Keys.ENTER)
    browser.wait_until(lambda: browser.run("return token.value") == "", "it was not taken")
    browser.wait_for("#token").send_keys(TOKEN, Keys.ENTER)
    browser.write("hello\n")
    browser.wait_for_text(_LAST, "Yes.")
    browser.open(guarded.origin)
    browser.wait_for_text(_LAST, "Yes.")
    browser.wait_until(lambda: not browser.is_shown("#asking"), "it was asked for twice")
    assert browser.run("return localStorage.getItem('hiveloom.token')") is None


def test_a_token_is_remembered_on_the_device_until_it_is_forgotten(
    browser: Browser, guarded: Served
) -> None:
    browser.open(guarded.origin)
    browser.wait_for("#token").send_keys(TOKEN)
    browser.click("#remember")
    browser.click("#asking button")
    browser.wait_for(".card")
    browser.run("sessionStorage.clear()")  # as after the tab was closed
    browser.open(guarded.origin)
    browser.click("#forget")
    browser.wait_for("#asking")
    assert browser.run("return localStorage.length + sessionStorage.length") == 0


def test_a_token_that_was_revoked_is_asked_for_again_and_nothing_is_lost(
    browser: Browser, guarded: Served, upstream: ScriptedUpstream
) -> None:
    token = run_hiveloom("serve", "token", "create", "--name", "page").stdout.strip()
    upstream.add(say("One."), say("Two."))
    browser.open(guarded.origin)
    browser.wait_for("#token").send_keys(token, Keys.ENTER)
    browser.write("first\n")
    browser.wait_for_text(_LAST, "One.")
    assert run_hiveloom("serve", "token", "revoke", "page").exit_code == 0
    browser.write("second\n")
    browser.wait_for_text("#asking-trouble", "revoked")
    browser.find("#token").send_keys(TOKEN, Keys.ENTER)
    browser.wait_for_text(_LAST, "Two.")
    assert read_said(upstream) == [("user", "first"), ("assistant", "One."), ("user", "second")]


def test_an_agent_is_picked_and_remembered(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("A rhyme."))
    browser.open(served.origin)
    browser.wait_for_text("#agents", "Helps with everything.")
    assert browser.find("[value=helper]").is_selected()
    browser.click("[value=poet]")
    browser.write("hello\n")
    browser.wait_for_text(_LAST, "A rhyme.")
    assert browser.read("#title") == "poet"
    assert browser.read("#about") == "Rhymes."
    browser.click("#new")
    browser.wait_for(".card")
    browser.wait_until(lambda: browser.find("[value=poet]").is_selected(), "the poet was forgotten")


def test_what_an_agent_is_called_is_text(browser: Browser, host: str) -> None:
    tag = "<img src=x onerror=window.struck=1><script>window.struck=1</script>"
    run_hiveloom("agent", "create", "sly", "--model", f"m{tag}", "--description", tag)
    with serve("--no-token", "--host", host) as server:
        browser.open(server.origin)
        browser.wait_for_text(".card .about", tag)
        assert browser.read(".card small") == f"m{tag}"
        assert browser.run("return window.struck") is None
        assert browser.find_all(".card img, .card script") == []


def test_without_an_agent_it_says_how_to_make_one(browser: Browser, host: str) -> None:
    with serve("--no-token", "--host", host) as server:
        browser.open(server.origin)
        browser.wait_for_text("#no-agents", "hiveloom agent create")
        run_hiveloom("agent", "create", "helper", "--model", "m")
        browser.click("#no-agents .again")
        browser.wait_for_text(".card", "helper")


def test_an_agent_that_was_deleted_meanwhile_takes_no_conversation_with_it(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("One."))
    browser.open(served.origin)
    browser.write("first\n")
    browser.wait_for_text(_LAST, "One.")
    browser.wait_for("#send")
    for name in ("helper", "poet"):
        assert run_hiveloom("agent", "delete", name, "--yes").exit_code == 0
    browser.write("second\n")
    browser.wait_for_text(".last .note", "The agent helper was deleted.")
    browser.click("#new")
    browser.wait_for("#no-agents")
    browser.click("#back")
    browser.wait_for_text("#log", "One.")
    assert not browser.is_shown("#no-agents")


def test_enter_sends_shift_enter_begins_a_line_and_a_word_being_composed_stays(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("Yes."))
    browser.open(served.origin)
    browser.write("one")
    browser.press(Keys.SHIFT, Keys.ENTER, Keys.NULL, "two")
    browser.ask_tools("Input.imeSetComposition", text="に", selectionStart=1, selectionEnd=1)
    browser.run(
        "text.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    assert upstream.requests == []
    browser.ask_tools("Input.insertText", text="に")
    browser.press(Keys.ENTER)
    browser.wait_for_text(_LAST, "Yes.")
    assert read_said(upstream) == [("user", "one\ntwoに")]
    assert browser.run("return text.value") == ""


@pytest.mark.parametrize("how", ["Escape", "button"])
def test_stopping_ends_the_request_to_the_upstream_and_keeps_what_came(
    browser: Browser, served: Served, upstream: ScriptedUpstream, how: str
) -> None:
    upstream.add(stream_reply([openai_chunk({"content": "One. "}), 60.0]), say("Two."))
    browser.open(served.origin)
    browser.write("count\n")
    browser.wait_for_text(_LAST, "One.")
    browser.write("not sent while an answer comes\n")
    if how == "Escape":
        browser.press(Keys.ESCAPE)
    else:
        browser.click("#stop")
    assert upstream.hung_up.wait(PATIENCE_S)
    browser.wait_for_text(".last .note", "Stopped.")
    assert browser.read(_LAST) == "One."
    browser.find("#text").clear()
    browser.write("go on\n")
    browser.wait_for_text(_LAST, "Two.")
    assert read_said(upstream) == [("user", "count"), ("assistant", "One. "), ("user", "go on")]


def test_a_new_conversation_begins_empty_and_the_last_one_can_be_gone_back_to(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("One."), say("Two."), say("Three."))
    browser.open(served.origin)
    browser.write("first\n")
    browser.wait_for_text(_LAST, "One.")
    browser.click("#new")
    browser.click("#back")
    browser.wait_for_text(_LAST, "One.")
    browser.write("again\n")
    browser.wait_for_text(_LAST, "Two.")
    assert len(read_said(upstream)) == 3
    browser.click("#new")
    browser.write("other\n")
    browser.wait_for_text(_LAST, "Three.")
    assert read_said(upstream) == [("user", "other")]


def test_a_reload_loses_nothing(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.add(say("One."), stream_reply([openai_chunk({"content": "Half"}), gate]), say("All."))
    browser.open(served.origin)
    browser.write("first\n")
    browser.wait_for_text(_LAST, "One.")
    browser.wait_for("#send")
    browser.write("second\n")
    browser.wait_for_text(_LAST, "Half")
    browser.driver.refresh()
    browser.wait_for_text(_LAST, "Half")
    browser.write("third\n")
    browser.wait_for_text(_LAST, "All.")
    assert read_said(upstream)[2:] == [("user", "second"), ("assistant", "Half"), ("user", "third")]
    assert upstream.hung_up.wait(PATIENCE_S)


def test_an_answer_and_its_code_are_copied_as_the_model_wrote_them(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    source = "Some **bold**:\n\n```py\nif x:\n\ty = 1\n```\n"
    upstream.add(say(source))
    browser.open(served.origin)
    browser.ask_tools(
        "Browser.grantPermissions", origin=served.origin, permissions=["clipboardReadWrite"]
    )
    browser.write("code\n")
    browser.wait_for_text(_LAST, "y = 1")
    for selector, wanted in (
        ("[data-copies=code]", "if x:\n\ty = 1"),
        ("[data-copies=answer]", source),
    ):
        browser.click(selector)
        browser.wait_for_text(selector, "Copied")
        read = "navigator.clipboard.readText().then(arguments[0], arguments[0])"
        assert browser.run_later(read) == wanted


def test_copying_works_where_the_browser_gives_pages_no_clipboard(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("Take *this*."))
    browser.open(served.origin)
    browser.write("hello\n")
    browser.wait_for_text(_LAST, "Take this.")
    browser.run("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    browser.click("[data-copies=answer]")
    browser.wait_for_text("[data-copies=answer]", "Copied")
    browser.find("#text").send_keys(Keys.CONTROL, "v")
    browser.wait_until(lambda: browser.run("return text.value") == "Take *this*.", "no paste")


def test_a_failure_is_told_in_a_sentence_and_can_be_tried_again(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(json_reply(openai_error("not for you"), status=403), say("Yes."))
    browser.open(served.origin)
    browser.write("hello\n")
    browser.wait_for_text(
        ".last .note", "The agent's upstream does not let the server use that model."
    )
    browser.click(".last .retry")
    browser.wait_for_text(_LAST, "Yes.")
    assert read_said(upstream) == [("user", "hello")]
    assert not browser.is_shown(".retry, .note")


def test_what_came_before_a_break_stays_until_another_try_brings_more(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    half = stream_reply([openai_chunk({"content": "Half an"})], ending=Ending.CUT)
    upstream.add(half, stream_reply([gate, *openai_stream("A whole answer.")]))
    browser.open(served.origin)
    browser.write("hello\n")
    browser.wait_for_text(".last .note", "ended in the middle")
    browser.click(".last .retry")
    browser.wait_for("#stop")
    assert browser.read(_LAST) == "Half an"
    gate.set()
    browser.wait_for_text(_LAST, "A whole answer.")
    assert "Half an" not in browser.read(_LAST)
    assert read_said(upstream) == [("user", "hello")]


def test_a_dead_upstream_and_a_dead_server_are_told_apart(
    browser: Browser, agents: None, host: str
) -> None:
    with ScriptedUpstream() as gone:
        env = {"HIVELOOM_OPENAI_BASE_URL": gone.openai_base_url, "HIVELOOM_MAX_TRIES": "1"}
    with serve("--no-token", "--host", host, **env) as server:
        browser.open(server.origin)
        browser.write("hello\n")
        browser.wait_for_text(".last .note", "The agent's upstream cannot be reached.")
    browser.click(".last .retry")
    browser.wait_for_text(".last .note", "Check that hiveloom serve runs")
    assert browser.read(".question .said") == "hello"


def test_a_long_answer_draws_its_finished_blocks_once_and_leaves_the_page_usable(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    paragraphs = [f"Paragraph {number} says *something* of `its` own.\n\n" for number in range(600)]
    words = [openai_chunk({"content": word + " "}) for p in paragraphs for word in p.split(" ")]
    upstream.add(stream_reply([words[0], *words[1:], gate, *_END]))
    browser.open(served.origin)
    browser.write("much\n")
    browser.wait_for(f"{_LAST} p + p + p")
    browser.run(
        "window.touched = 0; const first = document.querySelector('.last .said p');"
        "first.kept = true;"
        "new MutationObserver(() => touched++).observe(first,"
        " {childList: true, characterData: true, subtree: true, attributes: true})"
    )
    browser.write("typed meanwhile")
    assert browser.run("return text.value") == "typed meanwhile"
    browser.wait_for_text(f"{_LAST} p:last-child", "Paragraph 599")
    gate.set()
    browser.wait_for("#send")
    assert len(browser.find_all(f"{_LAST} > p")) == 600
    assert browser.run("return [document.querySelector('.last .said p').kept, touched]") == [
        True,
        0,
    ]


def test_it_follows_the_end_unless_the_person_looks_further_up(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    gates = [threading.Event(), threading.Event()]
    lines = openai_chunk({"content": "".join(f"Line {n}.\n\n" for n in range(60))})
    more = openai_chunk({"content": "".join(f"More {n}.\n\n" for n in range(60))})
    upstream.add(stream_reply([lines, gates[0], more, gates[1], *_END]))
    browser.open(served.origin)
    browser.write("much\n")
    distance = "return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight"
    browser.wait_for_text(_LAST, "Line 59.")
    browser.wait_until(lambda: browser.run(distance) < 5, "the end was not followed")
    browser.run("scroller.scrollTop = 0")
    browser.wait_for("#down")
    gates[0].set()
    browser.wait_for_text(_LAST, "More 59.")
    assert browser.run("return scroller.scrollTop") == 0
    browser.click("#down")
    assert browser.run(distance) < 5
    gates[1].set()
    browser.wait_for("#send")
    assert not browser.is_shown("#down")


# What a screen reader is told, each line once: they are removed after a while.
_HEAR = """
window.heard = [];
new MutationObserver((changes) => {
  for (const { addedNodes } of changes)
    heard.push(...[...addedNodes].map((one) => one.textContent));
}).observe(document.querySelector("#spoken"), {childList: true});
"""
_HEARD = "return heard"


def test_a_screen_reader_is_told_each_block_once_it_is_whole(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    first = openai_chunk({"content": "One *block*.\n\nAnother"})
    upstream.add(stream_reply([first, gate, openai_chunk({"content": " one."}), *_END]))
    browser.open(served.origin)
    browser.run(_HEAR)
    browser.write("hello\n")
    heard = ["helper is answering", "One block."]
    browser.wait_until(lambda: browser.run(_HEARD) == heard, "the first block was not told")
    gate.set()
    browser.wait_until(lambda: browser.run(_HEARD) == [*heard, "Another one."], "nor the last")
    assert browser.find("#spoken").get_attribute("aria-live") == "polite"


def test_a_screen_reader_is_told_all_of_a_block_and_line_by_line(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    blocks = (
        "- one *two*\n- three\n  ```py\n  x = 1\n  y\n  ```\n- four",
        "five\nsix",
        "|a|b|\n|-|-|\n|c|d|",
    )
    upstream.add(say("\n\n".join(blocks)))
    browser.open(served.origin)
    browser.run(_HEAR)
    browser.write("hello\n")
    heard = ["one two\nthree\nx = 1\ny\nfour", "five\nsix", "a\nb\nc\nd"]
    browser.wait_until(lambda: browser.run(_HEARD)[1:] == heard, "it was told otherwise")


def test_whoever_uses_the_keyboard_is_never_left_where_nothing_is(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([gate, *openai_stream("One.")]))
    browser.open(served.origin)
    browser.write("first")
    focused = "return document.activeElement.id"
    browser.press(Keys.TAB)
    assert browser.run(focused) == "send"
    browser.press(Keys.ENTER)
    browser.wait_for("#stop")
    assert browser.run(focused) == "text"
    gate.set()
    browser.wait_for_text(_LAST, "One.")
    browser.click("#new")
    browser.wait_for("#back")
    browser.run("back.focus()")
    browser.press(Keys.ENTER)
    browser.wait_for_text(_LAST, "One.")
    assert browser.run(focused) == "text"


def test_what_came_is_kept_while_the_page_is_out_of_sight(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([openai_chunk({"content": "Half"}), gate, *_END]))
    browser.open(served.origin)
    browser.write("hello\n")
    browser.wait_for_text(_LAST, "Half")
    kept = "return sessionStorage.getItem('hiveloom.conversation') ?? ''"
    assert "hello" in browser.run(kept)
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.driver.switch_to.window(first)
    browser.wait_until(lambda: "Half" in browser.run(kept), "it was not kept")
    gate.set()
    for handle in {*browser.driver.window_handles} - {first}:
        browser.driver.switch_to.window(handle)
        browser.driver.close()
    browser.driver.switch_to.window(first)


def test_it_works_in_a_browser_that_keeps_nothing(
    browser: Browser, guarded: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("Yes."))
    script = browser.ask_tools(
        "Page.addScriptToEvaluateOnNewDocument",
        source="for (const store of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, store,"
        " {get() { throw new DOMException('denied', 'SecurityError'); }})",
    )
    try:
        browser.open(guarded.origin)
        browser.wait_for("#token").send_keys(TOKEN, Keys.ENTER)
        browser.write("hello\n")
        browser.wait_for_text(_LAST, "Yes.")
    finally:
        browser.ask_tools("Page.removeScriptToEvaluateOnNewDocument", **script)


def test_everything_has_a_name_and_is_reached_with_the_keyboard(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("Hi.\n\n```py\nx\n```"))
    browser.open(served.origin)
    browser.write("hello\n")
    browser.wait_for("[data-copies=answer]")
    nodes: Any = browser.ask_tools("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "textbox", "radio", "checkbox", "link"}
    controls = [node for node in nodes if node.get("role", {}).get("value") in roles]
    names = sorted(node["name"]["value"] for node in controls)
    assert names == ["Copy", "Copy", "Message", "New", "Send"]
    browser.run("document.querySelector('#new').focus()")
    met = []
    for _ in range(5):
        browser.press(Keys.TAB)
        met.append(
            browser.run("const {id, dataset} = document.activeElement; return id || dataset.copies")
        )
    assert met == ["scroller", "code", "answer", "text", "send"]


def test_the_page_asks_nobody_but_its_server(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("![seen](http://127.0.0.1:9/spy.png) <img src=http://127.0.0.1:9/b.png>"))
    browser.take_requests()
    browser.open(served.origin)
    browser.write("hello\n")
    browser.wait_for(f"{_LAST} a")
    asked = browser.take_requests()
    assert f"{served.origin}/page/chat.js" in asked
    assert [url for url in asked if not url.startswith(f"{served.origin}/")] == []


def test_a_server_that_keeps_what_is_said_knows_the_conversation_again(
    browser: Browser, agents: None, upstream: ScriptedUpstream, host: str
) -> None:
    upstream.add(say("One. "), say("Two."))
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    with serve("--no-token", "--save", "--host", host, **env) as server:
        browser.open(server.origin)
        for question, answer in (("first", "One."), ("second", "Two.")):
            browser.write(f"{question}\n")
            browser.wait_for_text(_LAST, answer)
            browser.wait_for("#send")
    kept = json.loads(run_hiveloom("conversation", "list", "--json").stdout)
    assert [one["messages"] for one in kept] == [4]


@contextmanager
def emulating(browser: Browser, width: int = 0, **features: str) -> Iterator[None]:
    """Have the browser's window and wishes be others until the block ends."""
    named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    browser.ask_tools("Emulation.setEmulatedMedia", features=named)
    if width:
        size = {"width": width, "height": 600, "deviceScaleFactor": 1, "mobile": False}
        browser.ask_tools("Emulation.setDeviceMetricsOverride", **size)
    try:
        yield
    finally:
        browser.ask_tools("Emulation.clearDeviceMetricsOverride")
        browser.ask_tools("Emulation.setEmulatedMedia", features=[])


def test_it_fits_a_narrow_window(
    browser: Browser, served: Served, upstream: ScriptedUpstream
) -> None:
    wide = "w" * 300
    upstream.add(say(f"{wide}\n\n```\n{wide}\n```\n\n|{wide}|b|\n|-|-|\n|1|2|\n"))
    with emulating(browser, width=320):
        browser.open(served.origin)
        browser.write(f"{wide}\n")
        browser.wait_for(f"{_LAST} table")
        root = "document.documentElement"
        assert browser.run(f"return [{root}.scrollWidth, {root}.scrollHeight]") == [320, 600]
        assert browser.run("return scroller.scrollWidth - scroller.clientWidth") == 0


# The lowest contrast (WCAG 2.2, 1.4.3) of what has text of its own, and how light the paper is.
_CONTRAST = """
const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
const weigh = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92
                                               : ((part / 255 + 0.055) / 1.055) ** 2.4);
const light = ([red, green, blue]) =>
  0.2126 * weigh(red) + 0.7152 * weigh(green) + 0.0722 * weigh(blue);
function findPaper(element) {
  const colour = parse(getComputedStyle(element).backgroundColor);
  return colour[3] === 0 ? findPaper(element.parentElement) : colour;
}
const shown = [...document.body.querySelectorAll("*")].filter((one) => one.checkVisibility()
  && [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()));
const contrasts = shown.map((one) => {
  const [a, b] = [light(parse(getComputedStyle(one).color)), light(findPaper(one))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
});
return [contrasts.length, Math.min(...contrasts), light(findPaper(document.body))];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_in_either_light(
    browser: Browser, served: Served, upstream: ScriptedUpstream, scheme: str
) -> None:
    half = "# A\n\n> b `c` [d](https://e.f)\n\n```g\nh\n```\n\n|i|\n|-|\n|j|\n\nend"
    upstream.add(stream_reply([openai_chunk({"content": half})], ending=Ending.CUT))
    with emulating(browser, prefers_color_scheme=scheme):
        browser.open(served.origin)
        browser.wait_for(".card")
        cards = browser.run(_CONTRAST)
        browser.write("hello\n")
        browser.wait_for(".failed .retry")
        answer = browser.run(_CONTRAST)
    for texts, lowest, paper in (cards, answer):
        assert texts > 5
        assert lowest >= 4.5
        assert (paper > 0.5) == (scheme == "light")


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_whom_motion_disturbs(
    browser: Browser, served: Served, upstream: ScriptedUpstream, motion: str
) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([gate, *openai_stream("Done.")]))
    with emulating(browser, prefers_reduced_motion=motion):
        browser.open(served.origin)
        browser.write("hello\n")
        browser.wait_for(".running")
        moves = "return document.getAnimations().length"
        assert browser.run(moves) == (motion != "reduce")
        gate.set()
        browser.wait_for_text(_LAST, "Done.")

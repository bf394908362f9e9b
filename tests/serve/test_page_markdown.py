"""How the page draws answers: Markdown in, elements out, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from hiveloom_cli.serve.page import build_page
from tests.support.program import run_hiveloom
from tests.support.served import serve
from tests.support.serving import running
from tests.support.upstream import openai_stream, stream_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message, Receive, Scope, Send

    from tests.support.browser import Browser
    from tests.support.upstream import ScriptedUpstream

_LENGTH = b"content-length"
_DRAWN = """element.innerHTML.replaceAll(' dir="auto"', "")"""
_DRAW = """
const [texts, done] = arguments;
import("/page/render.js").then(({ AnswerView }) => {
  const element = document.createElement("div");
  const view = new AnswerView(element);
  texts.forEach((text, at) => view.draw(text, at < texts.length - 1));
  done(element.innerHTML.replaceAll(' dir="auto"', ""));
}, (error) => done(String(error)));
"""
# As above, but the text is not over.
_DRAW_OPEN = _DRAW.replace("at < texts.length - 1", "true")
_CODE = (
    '<figure class="code"><figcaption><span>{}</span>'
    '<button type="button" data-copies="code">Copy</button></figcaption>'
    "<pre><code>{}</code></pre></figure>"
)
_LINK = '<a href="{0}" title="{0}" target="_blank" rel="noopener noreferrer">{1}</a>'


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = str(tmp_path_factory.mktemp("home"))
    with serve("--no-token", HOME=home, HIVELOOM_HOME=home) as server:
        yield server.origin


@pytest.fixture
def page(browser: Browser, origin: str) -> Browser:
    if not browser.driver.current_url.startswith(origin):
        browser.open(origin)
    return browser


def draw(page: Browser, *texts: str) -> str:
    """Draw the states of a text, one after the other; only the last one is whole."""
    return str(page.run_later(_DRAW, texts))


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("# One #\n### Two\nSix\n===", "<h3>One</h3><h5>Two</h5><h3>Six</h3>"),
        ("####### seven", "<p>####### seven</p>"),
        ("#no", "<p>#no</p>"),
        ("- a\n- b\n  - c\n\n", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("1. a\n  - b", "<ol><li>a<ul><li>b</li></ul></li></ol>"),
        ("- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
        ("- a\ngoes on", "<ul><li>a<br>goes on</li></ul>"),
        ("- a\n+ b", "<ul><li>a</li></ul><ul><li>b</li></ul>"),
        ("- [x] a\n- [ ] b", "<ul><li>☑ a</li><li>☐ b</li></ul>"),
        ("In 2001\n1999. no", "<p>In 2001<br>1999. no</p>"),
        ("```py\nx = 1\n\n  y\n```\nz", _CODE.format("py", "x = 1\n\n  y") + "<p>z</p>"),
        ("~~~\n```\n~~~", _CODE.format("", "```")),
        ("1. a\n   ```\n   b\n   ```", f"<ol><li>a{_CODE.format('', 'b')}</li></ol>"),
        ("    code\n\n    more", _CODE.format("", "code\n\nmore")),
        ("> a\n>\n> > b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"),
        ("a\n\n---\n***\n_ _ _", "<p>a</p><hr><hr><hr>"),
        ("a **b *c* d** ~~e~~", "<p>a <strong>b <em>c</em> d</strong> <del>e</del></p>"),
        ("***both*** __u__", "<p><em><strong>both</strong></em> <strong>u</strong></p>"),
        ("snake_case_name 2 * 3 * 4 ~5~", "<p>snake_case_name 2 * 3 * 4 ~5~</p>"),
        ("`a*b*` ``a`b`` `open", "<p><code>a*b*</code> <code>a`b</code> `open</p>"),
        (r"\*a\* \`b\` \q", r"<p>*a* `b` \q</p>"),
        ("a&nbsp;b &lt;c&gt; &copy;", "<p>a&nbsp;b &lt;c&gt; &amp;copy;</p>"),
        ("a<br>b", "<p>a<br>b</p>"),
        ("a\r\nb\r\n\r\nc", "<p>a<br>b</p><p>c</p>"),
        (
            "[a *b*](https://c.d/e_(f)_g)",
            f"<p>{_LINK.format('https://c.d/e_(f)_g', 'a <em>b</em>')}</p>",
        ),
        ('[a](https://c.d "said")', f"<p>{_LINK.format('https://c.d/', 'a')}</p>"),
        ("(https://c.d/e).", f"<p>({_LINK.format('https://c.d/e', 'https://c.d/e')}).</p>"),
        ("<mailto:a@b.c>", f"<p>{_LINK.format('mailto:a@b.c', 'a@b.c')}</p>"),
        ("![seen](https://c.d/e.png)", f"<p>{_LINK.format('https://c.d/e.png', 'seen')}</p>"),
        ("[a https://b.c](https://d.e)", f"<p>{_LINK.format('https://d.e/', 'a https://b.c')}</p>"),
        ("[relative](docs/a.md)", "<p>[relative](docs/a.md)</p>"),
        (
            "| a | b |\n|---|:-:|\n| `x` | y \\| z |\n| short\n\nend",
            '<div class="table"><table><thead><tr><th class="left">a</th><th class="centre">b</th>'
            '</tr></thead><tbody><tr><td class="left"><code>x</code></td>'
            '<td class="centre">y | z</td></tr><tr><td class="left">short</td></tr></tbody>'
            "</table></div><p>end</p>",
        ),
        ("a | b\n- | -\n\n| no\n| table", None),
    ],
)
def test_markdown_becomes_elements(page: Browser, text: str, drawn: str | None) -> None:
    if drawn is None:
        assert draw(page, text).endswith("<p>| no<br>| table</p>")
    else:
        assert draw(page, text) == drawn


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("a **bold", "<p>a <strong>bold</strong></p>"),
        ("a **bold*", "<p>a <strong>bold</strong></p>"),
        ("a *slanted", "<p>a <em>slanted</em></p>"),
        ("a `cod", "<p>a <code>cod</code></p>"),
        ("a [link](https://exam", "<p>a link</p>"),
        ("2*3", "<p>2*3</p>"),
        ("text\n-", "<p>text</p>"),
        ("text\n\n#", "<p>text</p>"),
        ("text\n\n``", "<p>text</p>"),
        ("```py\nx", _CODE.format("py", "x")),
        ("```py\nx\n``", _CODE.format("py", "x")),
        (
            "| a | b |\n|-",
            '<div class="table"><table><thead><tr><th class="left">a</th><th class="left">b</th>'
            "</tr></thead><tbody></tbody></table></div>",
        ),
    ],
)
def test_what_is_half_written_looks_as_it_will(page: Browser, text: str, drawn: str) -> None:
    assert page.run_later(_DRAW_OPEN, [text]) == drawn


_PIECES = (
    "a", "word ", "\n", "\n\n", "  ", "    ", "- ", "1. ", "2. ", "> ", "# ", "```", "```py\n",
    "~~~", "*", "**", "_", "~~", "`", "[", "](", ")", "https://a.b", "| a | b |\n", "|-|-|\n", "|",
    "---\n", "===\n", "\\", "<b>", "&amp;", "!", "\t", "\r\n",
)  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=30))
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_text_that_came_bit_by_bit_is_drawn_like_one_that_came_at_once(
    page: Browser, pieces: list[str]
) -> None:
    text = "".join(pieces)
    states = [text[:end] for end in range(1, len(text) + 1)]
    assert draw(page, *states, text) == draw(page, text)


_ATTACKS = (
    "<script>window.struck = 1</script>",
    "<img src=x onerror=window.struck=1>",
    "<svg onload=window.struck=1><a xlink:href='javascript:struck=1'>x</a></svg>",
    "<iframe srcdoc='<script>parent.struck=1</script>'></iframe>",
    "<style>body { display: none }</style>",
    "<base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<form action=http://127.0.0.1:9/><input name=a></form>",
    "[a](javascript:struck=1)",
    "[a](JaVaScRiPt:struck=1)",
    "[a](java\tscript:struck=1)",
    "[a](\x01javascript:struck=1)",
    "[a](&#106;avascript:struck=1)",
    "[a](data:text/html,<script>struck=1</script>)",
    "[a](vbscript:struck)",
    "[a](file:///etc/passwd)",
    "[a](//127.0.0.1:9/x)",
    '[a](https://b.c/"onmouseover="window.struck=1)',
    '[a](https://b.c "\\" onmouseover=\\"struck=1")',
    "[a](https://b.c' onclick='struck=1)",
    "![a](javascript:struck=1)",
    '![" onerror="struck=1](https://b.c/d.png)',
    "<javascript:struck=1>",
    '<https://b.c/"onclick="struck=1>',
    "```html\n<script>struck=1</script>\n```",
    '```"><script>struck=1</script>\nx\n```',
    "`<img src=x onerror=struck=1>`",
    "| <img src=x onerror=struck=1> | b |\n|---|---|\n| [a](javascript:struck=1) | </td><script>|",
    "1. <script>struck=1</script>\n   > <svg/onload=struck=1>",
    "# <img src=x onerror=struck=1>",
    "__proto__ constructor [__proto__](https://b.c)",
)  # fmt: skip
_TAGS = {
    *("a", "br", "code", "del", "em", "strong", "h3", "h4", "h5", "h6", "hr", "p", "blockquote"),
    *("figure", "figcaption", "span", "button", "pre", "ul", "ol", "li"),
    *("div", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"class", "data-copies", "dir", "href", "rel", "start", "target", "title", "type"}
_SURVEY = """
const all = [...arguments[0].querySelectorAll("*")];
return {
  tags: [...new Set(all.map((one) => one.localName))],
  attributes: [...new Set(all.flatMap((one) => one.getAttributeNames()))],
  links: all.filter((one) => one.href).map((one) => [one.protocol, one.rel]),
};
"""


def test_each_block_goes_the_way_it_is_written_and_code_from_left_to_right(
    browser: Browser, upstream: ScriptedUpstream, host: str
) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    blocks = (
        "English.",
        "שלום (1).",
        "- שלום\n- b",
        "> שלום",
        "|שלום|b|\n|-|-|",
        "```py\n  x = 1\n```",
    )
    upstream.add(
        stream_reply(openai_stream("\n\n".join(blocks))),
        stream_reply(openai_stream("שלום\n\n1. שלום\n   ```\n     y\n   ```")),
    )
    ways = (
        "return [...document.querySelectorAll(arguments[0])]"
        ".map((one) => getComputedStyle(one).direction)"
    )
    address = upstream.openai_base_url
    with serve("--no-token", "--host", host, HIVELOOM_OPENAI_BASE_URL=address) as server:
        browser.open(server.origin)
        browser.write("mixed\n")
        browser.wait_for_text(".last .said", "x = 1")
        expected = ["ltr", "rtl", "rtl", "rtl", "rtl", "ltr"]
        assert browser.run(ways, ".last .said > *") == expected
        browser.wait_for("#send")
        browser.write("other\n")
        browser.wait_for_text(".last .said", "y")
        assert browser.run(ways, ".last .said :is(ol, figure, pre, code)") == ["rtl", *["ltr"] * 3]


def test_nothing_that_a_model_writes_becomes_more_than_text_and_links(
    browser: Browser, upstream: ScriptedUpstream, host: str
) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    upstream.add(stream_reply(openai_stream("\n\n".join((*_ATTACKS, "The end.")))))
    address = upstream.openai_base_url
    with serve("--no-token", "--host", host, HIVELOOM_OPENAI_BASE_URL=address) as server:
        browser.take_errors()
        browser.open(server.origin)
        browser.write("attack\n")
        browser.wait_for_text(".answer .said", "The end.")
        browser.wait_for("#send")
        said = browser.find(".answer .said")
        found: Any = browser.run(_SURVEY, said)
        assert set(found["tags"]) <= _TAGS
        assert set(found["attributes"]) <= _ATTRIBUTES
        assert {protocol for protocol, _ in found["links"]} == {"http:", "https:"}
        assert {rel for _, rel in found["links"]} == {"noopener noreferrer"}
        assert "<script>window.struck = 1</script>" in said.text
        assert browser.run("return window.struck") is None
        assert browser.read_violations() == []
        assert browser.take_errors() == []


@pytest.mark.parametrize("attack", _ATTACKS)
def test_an_attack_that_comes_letter_by_letter_fares_no_better(page: Browser, attack: str) -> None:
    states = [attack[:end] for end in range(1, len(attack) + 1)]
    found = page.run_later(
        _DRAW.replace(_DRAWN, "survey(element)").replace(
            "const [texts", f"const survey = function () {{ {_SURVEY} }}; const [texts"
        ),
        [*states, attack],
    )
    assert set(found["tags"]) <= _TAGS
    assert set(found["attributes"]) <= _ATTRIBUTES
    assert {protocol for protocol, _ in found["links"]} <= {"http:", "https:"}


# How deep the last of the innermost elements lie.
_MEASURE = """
function measure(element) {
  const innermost = [...element.querySelectorAll("*")].filter((one) => !one.firstElementChild);
  return Math.max(0, ...innermost.slice(-50).map((one) => {
    let depth = 0;
    for (let above = one; above !== element; above = above.parentNode) depth += 1;
    return depth;
  }));
}
"""


@pytest.mark.parametrize(
    "text",
    [
        "*a " * 4000 + "a* " * 4000,
        "> " * 4000,
        "- " * 4000,
        "\n".join(" " * (2 * depth) + "- a" for depth in range(300)),
        "[" * 9000 + "](https://a.b)" * 9000,
        "|" + "a|" * 3000 + "\n|" + "-|" * 3000 + "\n" + "|\n" * 3000,
        "`" * 9000 + "a",
        "~~" * 9000 + "\\" * 9001,
    ],
    ids=["emphasis", "quotes", "lists", "steps", "brackets", "cells", "ticks", "marks"],
)
def test_no_text_makes_a_page_that_nests_without_end(page: Browser, text: str) -> None:
    depth = page.run_later(
        _DRAW.replace(
            _DRAWN,
            "measure(element)",
        ).replace("const [texts", f"{_MEASURE} const [texts"),
        [text],
    )
    assert depth < 60


@pytest.mark.parametrize(
    "text", [" " * 400_000 + "x", "*_" * 100_000, "[](" * 100_000, "*a* " * 80_000]
)
def test_the_time_that_a_text_takes_grows_no_faster_than_the_text(page: Browser, text: str) -> None:
    """Where it grew with the square, the browser would end the script long before."""
    drawn = page.run_later(_DRAW.replace(_DRAWN, "element.textContent"), [text] * 2)
    assert drawn.strip()


def test_the_policy_stops_what_the_page_itself_would_never_do(page: Browser) -> None:
    tried = page.run_later("""
      const done = arguments[0];
      const script = document.createElement("script");
      const refused = [];
      const attempt = (name, act) => { try { act(); } catch { refused.push(name); } };
      attempt("markup", () => { document.body.innerHTML = "<img src=x onerror=struck=1>"; });
      attempt("script text", () => { script.text = "window.struck = 1"; });
      attempt("script address", () => { script.src = "data:text/javascript,window.struck=1"; });
      attempt("policy", () => trustedTypes.createPolicy("mine", {}));
      script.append(document.createTextNode("window.struck = 1"));
      document.body.append(script);
      document.body.setAttribute("style", "color: red");
      new Image().src = "http://127.0.0.1:9/spy.png";
      fetch("http://127.0.0.1:9/").catch(() => setTimeout(() => done(refused), 100));
    """)
    assert tried == ["markup", "script text", "script address", "policy"]
    assert page.run("return window.struck") is None
    met = set(page.read_violations())
    assert {"require-trusted-types-for", "style-src-attr", "img-src", "connect-src"} <= met


def test_an_inline_script_in_the_page_itself_does_not_run(browser: Browser) -> None:
    async def serve_altered(scope: Scope, receive: Receive, send: Send) -> None:
        async def alter(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [one for one in message["headers"] if one[0] != _LENGTH]
            elif scope["path"] == "/":
                message["body"] += b"<script>window.struck = 1</script><p id=end>end</p>"
            await send(message)

        await Starlette(routes=build_page())(scope, receive, alter)

    with running(serve_altered) as port:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait_for("#end")
        assert browser.run("return window.struck") is None
        assert "script-src-elem" in browser.read_violations()

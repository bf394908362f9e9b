"""Long lists and long code: what is finished of them is drawn for good, as if it came at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pygments.token import Token
from rich.syntax import Syntax

from hiveloom_cli.terminal.code_lines import measure_settled
from tests.terminal.screen import ManualClock, Terminal, cut, draw_streamed, draw_whole, open_stream

if TYPE_CHECKING:
    from hiveloom_cli.terminal.code_lines import Stack

CODE = {
    "python": '''\
import os


def f(a: int) -> str:
    """Say "it".

    It's said: # no comment
    """
    text = """not
# a comment
"""
    return f"{a!r:>{len(text)}} {os.sep}" + \\
        'x'  # said


@decorator
class A(B):
    \'\'\'Short.\'\'\'
    x = r'\\d' if a else b"""
    ends"""
    async def g(self): ...
''',
    "js": """\
/**
 * Adds `two` numbers; doesn't subtract.
 */
export const add = (a, b) => a + b; // "so"
const text = `one
  ${add(1, `two ${3}`)}
/* no comment */ three`;
const r = a
  / b / c;
/re[/]x/.test("y");
  /* one */ let x = { y: /z/g };
async function* g() { yield 1 }
""",
    "typescript": """\
interface A<T> extends B {
  /* many
     lines */
  readonly x?: number;
}
type U = 'a' | "b" | `c${string}
d`;
@Component({ selector: 'x' })
export class C implements A<string> { constructor(private y: any) {} }
""",
    "bash": """\
#!/bin/bash
set -euo pipefail
cat <<EOF > "$file"
it's not a string: $HOME
# and no comment
EOF
for f in *.py; do
  echo "two
lines of ${f%.py}" && grep -c 'three
lines' <<< "$f" || true
done
x=$(ls -l | wc -l) # how many
case "$1" in
  -h) usage ;;
esac
""",
    "json": """\
{
  "a": [1, 2.5e3, null, true],
  "b": {"c": "d \\" e"}

}
""",
    "java": """\
package a.b;
/* one
 * two */
@Override
public static
void main(String[] args) throws Exception {
    // it's one
    String s = \"\"\"
        text /* no comment
        \"\"\";
    char c = '"';
    return x < y ? List.<A>of() : null;
}
""",
    "go": """\
package main

import (
    "fmt"
)

/*
Comment
*/
func (s *S) Run(a, b int) (err error) {
    x := `raw
// no comment
`
    go func() { ch <- 'x' }()
    return fmt.Errorf("%w", err)
}
""",
    "rust": """\
//! Docs
/* outer /* inner */
   still */
#[derive(Debug)]
pub fn f<'a>(x: &'a str) -> Option<&'a str> {
    let r = r#"raw "quoted"
// no comment
"#;
    let s = "two
lines";
    println!("{x:?}"); // done
    None
}
""",
    "csharp": """\
using System;
namespace A {
    /// <summary>So.</summary>
    public class B : C {
        string v = @"two
// lines ""quoted""
";
        /* three
           lines */
        public async Task<int> Run(int a) => await x.Y($"{a}");
    }
}
""",
    "c": """\
#include <stdio.h>
#define MAX(a, b) \\
    ((a) > (b) ? (a) : (b))
/* A comment
   of "lines" */
static int
add(int a,
    int b)
{
    char *s = "x\\
y";
    if (a) {
        return b;
    } else if (b > 2) {
        goto end;
    }
end:
    return MAX(a, b); // sum
}
#if 0
not code
#endif
struct p { int x; };
""",
    "cpp": """\
#include <vector>
template <typename T>
class A : public B<T> {
 public:
    explicit A(int x) : x_{x} {}
    auto s = R"(raw
// no comment
)";
    /* c
       d */
    std::vector<T> v;
};
int main() { return 'a'; }
""",
    "css": """\
@media (max-width: 30em) {
  /* a
     b */
  a:hover, #id > .c::before {
    color: #fff;
    background: url("x.png")
      no-repeat;
  }
}
""",
    "sql": """\
SELECT a, 'two
lines -- no comment', "b"
/* c
   d */
FROM t -- e
WHERE x = 1 AND y IN (2, 3);
""",
    "diff": """\
--- a/x
+++ b/x
@@ -1,2 +1,2 @@
-old
+new
 same
""",
    "ini": """\
[a]
# c
key = value
other : 1
""",
    "yaml": """\
a: |
  text # no comment
  more
b: [1, "two"]
""",
    "html": "<div class='a'>\n<!-- x\ny -->\n<script>\nlet a = `b\n`;\n</script>\n</div>\n",
    "unknown": "one\n\n\n  two\n",
    "": "one\n\n\n  two <!-- /* ''' \n",
    "python title=x.py": "def f(): ...\nx = 1\ny = 2\n",
}


def draw(text: str, width: int = 60, height: int = 12) -> Terminal:
    terminal = Terminal(width, height)
    draw_whole(terminal, text)
    return terminal


def stream(pieces: list[str], width: int = 60, height: int = 12) -> Terminal:
    terminal = Terminal(width, height)
    draw_streamed(terminal, pieces)
    return terminal


def list_cuts(text: str) -> list[list[str]]:
    return [[text], text.splitlines(keepends=True), cut(text, 1, 12), cut(text, 2, 200)]


@pytest.mark.parametrize("language", CODE)
@pytest.mark.parametrize("fence", ["```", "  ~~~~"])
def test_code_has_the_colours_that_it_has_at_once(language: str, fence: str) -> None:
    block = f"{fence}{language}\n{CODE[language] * 2}{fence}\n"
    text = f"Before.\n\n{block}\nAfter.\n"
    whole = draw(text).read_signs()
    for pieces in list_cuts(text):
        assert stream(pieces).read_signs() == whole


@pytest.mark.parametrize("language", CODE)
def test_code_that_is_never_closed_has_its_colours_too(language: str) -> None:
    lines = CODE[language].splitlines(keepends=True)
    for count in range(1, len(lines)):
        text = f"```{language}\n" + "".join(lines[:count])
        assert stream(cut(text, count, 9)).read_signs() == draw(text).read_signs()


@pytest.mark.parametrize("language", sorted(set(CODE) - {"yaml", "html", "unknown", "", "json"}))
def test_the_rules_of_a_lexer_can_be_read_with_its_stack(language: str) -> None:
    lexer: Any = Syntax("", language.partition(" ")[0]).lexer
    actions = [rule[1] for rules in lexer._tokens.values() for rule in rules]
    odd = [one for one in actions if one is not None and not isinstance(one, type(Token))]
    assert {one.__qualname__.partition(".")[0] for one in odd} <= {"bygroups", "using"}


LINES = [line for code in CODE.values() for line in code.splitlines(keepends=True)]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(CODE)),
    st.lists(st.sampled_from([*LINES, "\n", "```\n", "````\n"]), max_size=12),
    st.integers(0, 9),
)
@example("js", ["a = b\n", "/x/g\n", "c\n"], 0)
def test_a_muddle_of_lines_is_read_alike(language: str, lines: list[str], seed: int) -> None:
    text = f"```{language}\n" + "".join(lines)
    assert stream(cut(text, seed, 25)).read_lines() == draw(text).read_lines()


NUMBERED = "".join(f"{n}. item {n}, which is longer than a row is\n" for n in range(1, 121))
LISTS = {
    "bullets": "".join(f"- item {n}\n" for n in range(60)),
    "loose": "".join(f"- item {n}\n\n  and *more*\n\n\n" for n in range(30)),
    "sometimes loose": "".join(f"* item {n}\n" + "\n" * (n % 3) for n in range(40)),
    "nested": "".join(f"- item {n}\n  1. one\n     - deep\n  2. two\n" for n in range(20)),
    "numbers": NUMBERED,
    "numbers from 95": "".join(f"{n}) item\n" for n in range(95, 115)),
    "counted": "1. item\n" * 120,
    "counted, then not": "1. a\n1. b\n5. c\n1. d\n",
    "markers change": "- a\n- b\n* c\n+ d\n1. e\n2) f\n- g\n",
    "marks": "- a\n-\n- ---\n- # head\n-     code\n1.\n2. x\n",
    "lazy": "- a\nlazy\n- b\n\n\nafter\n- c\n   - d\n    - e\n     - f\n",
    "code in items": "".join(f"- item\n\n  ```py\n  x = {n}\n  ```\n" for n in range(15)),
    "quotes and tables": "".join(
        f"- > quoted {n}\n  > more\n\n- | a | b |\n  |---|---|\n  | {n} | 漢字 |\n"
        for n in range(9)
    ),
    "a rule ends it": "- a\n- b\n---\n- c\n\n***\n* d\n",
    "too deep": "- a\n" + "".join(f"{'  ' * n}- b\n" for n in range(1, 40)) + "- c\n- d\n",
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(("width", "height"), [(60, 12), (24, 5), (9, 30)])
def test_a_list_is_drawn_as_it_is_at_once(name: str, width: int, height: int) -> None:
    text = f"Before.\n\n{LISTS[name]}\nAfter.\n\n- new\n"
    whole = draw(text, width, height).read_signs()
    for pieces in list_cuts(text):
        assert stream(pieces, width, height).read_signs() == whole


def test_a_table_and_a_quote_are_drawn_as_they_are_at_once() -> None:
    row = "| {n} | two words | `code` 漢字 |\n"
    table = "| a | b | c |\n|--:|---|:-:|\n" + "".join(row.format(n=n) for n in range(40))
    text = table + "\n" + "".join(f"> line {n}\n> - point\n" for n in range(20)) + "\nAfter.\n"
    for pieces in list_cuts(text):
        assert stream(pieces).read_signs() == draw(text).read_signs()


def test_numbers_of_two_digits_stand_below_each_other_and_a_third_moves_none() -> None:
    lines = [line for line in draw(NUMBERED, 60, 12).read_lines() if "item" in line]
    assert [lines[n].split("item")[0] for n in (0, 8, 9, 98, 99)] == [
        *("  1 ", "  9 ", " 10 ", " 99 ", " 100 ")
    ]


@pytest.mark.parametrize("head", ["", "```js\n", "```python\n", "```\n", "1. first\n"])
def test_each_line_of_a_long_block_scrolls_away_once(head: str) -> None:
    item = {"": "- item {n}\n", "1. first\n": "{n}. item {n}\n"}.get(head, "item({n})\n")
    terminal, clock = Terminal(height=8), ManualClock()
    with open_stream(terminal, clock) as growing:
        growing.feed(head)
        for n in range(2, 102):
            growing.feed(item.format(n=n))
            clock.now_s += 1
        shown = [line for line in terminal.read_lines() if "item" in line]
        assert len(shown) == 100
        # Once as the last line of all, and at most a few times more until the next ones are there.
        assert terminal.written.count("item") <= 400


def test_a_long_comment_is_read_a_few_times_and_not_with_each_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = [0]

    def counting(code: str, language: str, stack: Stack) -> tuple[int, Stack]:
        read[0] += len(code)
        return measure_settled(code, language, stack)

    monkeypatch.setattr("hiveloom_cli.terminal.tail.measure_settled", counting)
    text = "```js\n/*\n" + "a line of a comment\n" * 1000
    draw_streamed(Terminal(), text.splitlines(keepends=True))
    assert read[0] < 8 * len(text)

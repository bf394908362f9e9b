"""Tools that run programs: real ones, and never a shell."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.errors import HiveloomError, SettingsInvalid, UsageMistake
from hiveloom_cli.front_matter.document import format_document
from hiveloom_cli.stop import Stop
from hiveloom_cli.tools.command_tool import MOST_STDERR, MOST_STDOUT, CommandTool
from hiveloom_cli.tools.tool import Approval
from hiveloom_cli.tools.tool_file import parse_tool_file
from tests.tools.outsides import build_outside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hiveloom_cli.tools.tool import ToolOutput

WAIT_S = 30.0
SHOW_WORDS = "import sys, json; print(json.dumps(sys.argv[1:]))"
SHOW_STDIN = "import sys; print(repr(sys.stdin.read()))"
SHOW_ENVIRONMENT = "import os, json; print(json.dumps(dict(os.environ)))"
HOSTILE = [
    *("; touch owned", "$(touch owned)", "`touch owned`", "a\nb"),
    *("--owned", "-x", "", "*", "'\"\\"),
]


def open_tool(
    home: Path,
    *command: str,
    environ: Mapping[str, str] | None = None,
    **settings: Any,
) -> CommandTool:
    path = home / "tools" / "probe.md"
    text = format_document({"command": list(command), **settings}, "Probes.")
    return CommandTool(parse_tool_file("probe", text, path), build_outside(home, environ))


def open_python(home: Path, script: str, **settings: Any) -> CommandTool:
    return open_tool(home, sys.executable, "-c", script, **settings)


def run(tool: CommandTool, stop: Stop | None = None, **arguments: Any) -> ToolOutput:
    return tool.run(arguments, stop or Stop())


def declare(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {} for name in names}}


def refuse(home: Path, settings: str) -> SettingsInvalid:
    path = home / "tools" / "probe.md"
    with pytest.raises(SettingsInvalid) as caught:
        CommandTool(
            parse_tool_file("probe", f"---\n{settings}\n---\nProbes.\n", path), build_outside(home)
        )
    return caught.value


def test_its_card_is_what_its_file_says(home: Path) -> None:
    tool = open_tool(home, "git", "log", input=declare("since"))
    card = tool.load_card()
    assert (card.reference, card.kind, card.is_foreign) == ("probe", "command", False)
    assert card.definition.description == "Probes."
    assert card.definition.input_schema == declare("since")
    assert card.approval is Approval.ASK
    assert card.definition_text.startswith("---\ncommand: [git, log]\n")


def test_its_file_decides_whether_it_asks(home: Path) -> None:
    assert open_tool(home, "git", approval="auto").load_card().approval is Approval.AUTO
    assert open_tool(home, "git", approval="deny").load_card().approval is Approval.DENY


def test_it_reads_its_arguments_as_one_json_object(home: Path) -> None:
    arguments: dict[str, Any] = {"city": "Zürich", "days": 3, "text": "; rm\n$(rm)"}
    output = run(open_python(home, SHOW_STDIN), **arguments)
    line = eval(output.content)  # noqa: S307, RUF100 -- what repr wrote
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    assert json.loads(line) == arguments


def test_a_program_need_not_read_what_it_is_given(home: Path) -> None:
    output = run(open_python(home, "print('done')"), text="x" * 5_000_000)
    assert (output.content, output.is_error) == ("done\n", False)


def test_arguments_become_options(home: Path) -> None:
    names = declare("city", "days", "all", "brief", "none", "tag", "map")
    tool = open_python(home, SHOW_WORDS, arguments="flags", input=names)
    output = run(
        tool, city="Zürich", days=1.5, all=True, brief=False, none=None, tag=["a", 2], map={"a": 1}
    )
    assert json.loads(output.content) == [
        "--city=Zürich",
        "--days=1.5",
        "--all",
        "--tag=a",
        "--tag=2",
        '--map={"a": 1}',
    ]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_one_word_and_no_shell_reads_it(home: Path, tmp_path: Path, value: str) -> None:
    tool = open_python(
        home, SHOW_WORDS, arguments="flags", input=declare("q"), working_folder=str(tmp_path)
    )
    assert json.loads(run(tool, q=value).content) == [f"--q={value}"]
    assert json.loads(run(tool, q=[value, value]).content) == [f"--q={value}"] * 2
    assert not (tmp_path / "owned").exists()


def test_words_of_the_file_are_read_by_no_shell_either(home: Path, tmp_path: Path) -> None:
    words = (sys.executable, "-c", SHOW_WORDS, "$HOME", *HOSTILE)
    tool = open_tool(home, *words, working_folder=str(tmp_path))
    assert json.loads(run(tool).content) == ["$HOME", *HOSTILE]
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", ["upload-pack", "-x", "q=1", ""])
def test_an_argument_that_is_not_declared_is_no_option(home: Path, name: str) -> None:
    tool = open_python(home, SHOW_WORDS, arguments="flags", input=declare("q"))
    with pytest.raises(UsageMistake, match="there is no argument"):
        tool.run({name: "touch owned"}, Stop())
    with pytest.raises(UsageMistake):
        tool.describe_call({name: "touch owned"})


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_what_no_word_can_hold_is_refused(home: Path, value: str) -> None:
    tool = open_python(home, SHOW_WORDS, arguments="flags", input=declare("q"))
    with pytest.raises(UsageMistake, match="q: a command cannot be given such a text"):
        run(tool, q=value)


def test_half_a_character_on_stdin_is_replaced(home: Path) -> None:
    tool = open_python(home, SHOW_STDIN)
    assert "?" in run(tool, q="\ud800").content
    assert "?" in tool.describe_call({"q": "\ud800"})


def test_words_too_long_for_the_system_are_told(home: Path) -> None:
    tool = open_python(home, SHOW_WORDS, arguments="flags", input=declare("q"))
    with pytest.raises(HiveloomError, match="cannot be run"):
        run(tool, q="x" * 10_000_000)


def test_with_options_stdin_is_empty(home: Path) -> None:
    assert run(open_python(home, SHOW_STDIN, arguments="flags")).content == "''\n"


def test_it_has_no_terminal(home: Path) -> None:
    script = "import os\ntry: os.open('/dev/tty', os.O_RDWR)\nexcept OSError: print('none')"
    assert run(open_python(home, script)).content == "none\n"


def test_an_exit_code_is_told_with_what_it_printed(home: Path) -> None:
    script = "import sys; print('half'); print('broken', file=sys.stderr); sys.exit(3)"
    output = run(open_python(home, script))
    assert output.is_error
    assert output.content == "exit code 3\nstderr:\nbroken\n\nstdout:\nhalf\n"


def test_what_goes_to_stderr_is_not_shown_when_it_went_well(home: Path) -> None:
    output = run(open_python(home, "import sys; print('note', file=sys.stderr); print('yes')"))
    assert (output.content, output.is_error) == ("yes\n", False)


def test_the_end_of_a_long_stderr_is_shown(home: Path) -> None:
    script = "import sys; sys.stderr.write('x' * 1_000_000 + 'the reason'); sys.exit(1)"
    output = run(open_python(home, script))
    assert output.content.endswith("xthe reason")
    assert len(output.content) < MOST_STDERR + 100


def test_a_signal_is_told(home: Path) -> None:
    output = run(open_python(home, "import os; os.kill(os.getpid(), 9)"))
    assert (output.content, output.is_error) == ("ended by signal 9", True)


def test_bytes_that_are_no_text_are_replaced(home: Path) -> None:
    output = run(open_python(home, r"import sys; sys.stdout.buffer.write(b'a\xff\0b')"))
    assert (output.content, output.is_error) == ("a\ufffd\0b", False)


@pytest.mark.parametrize("piece", ["'x' * 65536", "'x'"])
def test_a_program_that_prints_for_ever_is_ended(home: Path, piece: str) -> None:
    script = f"import sys\nwhile True: sys.stdout.write({piece})"
    output = run(open_python(home, script, timeout=WAIT_S))
    assert output.is_error
    assert output.content.startswith("ended because it printed more than 1,000,000 bytes\n")
    assert output.content.count("x") <= MOST_STDOUT


def test_as_much_as_is_allowed_is_not_too_much(home: Path) -> None:
    output = run(open_python(home, f"print('x' * {MOST_STDOUT}, end='')"))
    assert (len(output.content), output.is_error) == (MOST_STDOUT, False)


def open_family(home: Path, folder: Path, *, obeys: bool, timeout: float) -> CommandTool:
    """Open a shell whose grandchild sleeps; `pid` holds that one's number."""
    script = "(sleep 600 & echo $! > new; mv new pid; wait) & wait"
    script = script if obeys else f"trap '' TERM; {script}"
    return open_tool(home, "sh", "-c", script, timeout=timeout, working_folder=str(folder))


def wait_for(path: Path) -> int:
    deadline = time.monotonic() + WAIT_S
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(path.read_text())


def is_gone(pid: int) -> bool:
    """Whether a process is gone, or will be once its new parent has looked."""
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] == "Z"
    return True


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("obeys", [True, False])
def test_when_it_is_stopped_its_grandchildren_end_too(
    home: Path, tmp_path: Path, *, obeys: bool
) -> None:
    tool, stop = open_family(home, tmp_path, obeys=obeys, timeout=600), Stop()
    outputs: list[ToolOutput] = []
    thread = Thread(target=lambda: outputs.append(tool.run({}, stop)), daemon=True)
    thread.start()
    pid = wait_for(tmp_path / "pid")
    assert not is_gone(pid)
    stop.set()
    thread.join(WAIT_S)
    assert [(one.content, one.is_error) for one in outputs] == [("stopped before its end", True)]
    wait_until_gone(pid)


def test_at_its_time_limit_its_grandchildren_end_too(home: Path, tmp_path: Path) -> None:
    for limit_s in (1, 10, 60):  # a busy machine needs longer until the grandchild is there
        output = run(open_family(home, tmp_path, obeys=True, timeout=limit_s))
        assert output.is_error
        assert output.content.startswith(f"ended after its time limit of {limit_s} s")
        if (tmp_path / "pid").exists():
            break
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_when_everything_is_to_stop_it_does_not_begin(home: Path, tmp_path: Path) -> None:
    stop = Stop()
    stop.set()
    output = run(open_python(home, f"open({str(tmp_path / 'ran')!r}, 'w')"), stop)
    assert (output.content, output.is_error) == ("stopped before it began", True)
    assert not (tmp_path / "ran").exists()


def test_a_child_that_stays_keeps_nobody_waiting_and_is_ended(home: Path) -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid)"
    )
    output = run(open_python(home, script, timeout=600))
    assert not output.is_error
    wait_until_gone(int(output.content))


def test_a_child_with_a_session_of_its_own_keeps_nobody_waiting(home: Path) -> None:
    script = (
        "import subprocess, sys\n"
        "words = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "print(subprocess.Popen(words, start_new_session=True).pid)"
    )
    output = run(open_python(home, script, timeout=600))
    os.kill(int(output.content), 9)
    assert not output.is_error


def test_its_environment_holds_no_secret(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ("OPENAI_API_KEY", "HIVELOOM_X", "MY_TOKEN", "DB_PASSWORD", "LC_SECRET", "FROBNICATE")
    for name in secrets:
        monkeypatch.setenv(name, "hidden")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    environment = json.loads(run(open_python(home, SHOW_ENVIRONMENT)).content)
    assert "hidden" not in environment.values()
    assert environment["HOME"] == os.environ["HOME"]
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["LC_ALL"] == "C.UTF-8"


def test_a_variable_is_passed_on_where_the_file_names_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "mine")
    tool = open_python(home, SHOW_ENVIRONMENT, environment=["MY_TOKEN", "UNSET"])
    environment = json.loads(run(tool).content)
    assert environment["MY_TOKEN"] == "mine"
    assert "UNSET" not in environment
    assert "\nwith MY_TOKEN, UNSET\n" in tool.describe_call({})
    assert "mine" not in tool.describe_call({})


@pytest.mark.parametrize("value", ["the-long-key", "Bearer the-long-key"])
@pytest.mark.parametrize(
    "name", ["GROQ_API_KEY", "HIVELOOM_VAULT_PASSPHRASE", "CREDENTIALS_DIRECTORY"]
)
def test_a_key_by_another_name_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, "the-long-key")
    monkeypatch.setenv("COPY", value)
    tool = open_python(home, SHOW_ENVIRONMENT, environment=["COPY"])
    with pytest.raises(HiveloomError, match="COPY holds a key of hiveloom's own") as caught:
        run(tool)
    assert "the-long-key" not in f"{caught.value.message} {caught.value.hint}"


def test_a_short_key_is_not_found_in_other_words(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "key")
    monkeypatch.setenv("ANIMAL", "monkey")
    tool = open_python(home, SHOW_ENVIRONMENT, environment=["ANIMAL"])
    assert json.loads(run(tool).content)["ANIMAL"] == "monkey"


def test_a_program_that_is_missing_is_told(home: Path) -> None:
    with pytest.raises(HiveloomError, match="there is no program no-such-program") as caught:
        run(open_tool(home, "no-such-program"))
    assert caught.value.hint == f"install it, or mend the `command` of {home}/tools/probe.md"
    with pytest.raises(HiveloomError, match="there is no program"):
        open_tool(home, "no-such-program").describe_call({})


def test_a_program_is_found_on_the_path_and_never_in_the_working_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "greet"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for path in ("", ".", f":{os.environ['PATH']}"):
        with pytest.raises(HiveloomError, match="there is no program greet"):
            run(open_tool(home, "greet", environ={"PATH": path}))
    tool = open_tool(home, "greet", environ={"PATH": str(tmp_path)})
    assert run(tool).content == "hello\n"
    assert tool.describe_call({}).startswith(f"{program}\n")


def test_a_program_begins_with_the_home_folder(home: Path) -> None:
    program = home.parent / "greet"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    assert run(open_tool(home, "~/greet")).content == "hello\n"


def test_a_file_that_is_no_program_is_told(home: Path) -> None:
    program = home.parent / "greet"
    program.write_bytes(b"\0\1\2")
    program.chmod(0o755)
    with pytest.raises(HiveloomError, match="greet cannot be run"):
        run(open_tool(home, "~/greet"))


def test_it_runs_where_hiveloom_runs_unless_its_file_says_where(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = "import os; print(os.getcwd())"
    assert run(open_python(home, script)).content == f"{tmp_path}\n"
    assert run(open_python(home, script, working_folder="~")).content == f"{home.parent}\n"
    assert run(open_python(home, script, working_folder="/")).content == "/\n"


def test_a_folder_that_is_missing_is_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HiveloomError, match="there is no folder /no/such/folder"):
        run(open_python(home, "", working_folder="/no/such/folder"))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(HiveloomError, match="the working folder is gone"):
        run(open_python(home, ""))


def test_a_call_is_described_in_the_words_that_run(home: Path) -> None:
    tool = open_tool(home, sys.executable, "a b", "-x", working_folder="/")
    words = shlex.join([sys.executable, "a b", "-x"])
    assert tool.describe_call({"city": "Zürich"}) == f'{words}\nin /\nstdin: {{"city": "Zürich"}}'
    tool = open_tool(
        home, sys.executable, arguments="flags", input=declare("q"), working_folder="/"
    )
    assert tool.describe_call({"q": "$(rm)"}) == f"{sys.executable} '--q=$(rm)'\nin /"


def test_no_value_passes_for_a_line_of_the_description(home: Path) -> None:
    tool = open_tool(
        home, sys.executable, arguments="flags", input=declare("q"), working_folder="/"
    )
    lines = tool.describe_call({"q": "'\nin /safe \x1b[2K\\\u202e"}).split("\n")
    assert lines == [f"{sys.executable} $'--q=\\'\\nin /safe \\e[2K\\\\\\U0000202e'", "in /"]


@pytest.mark.parametrize(
    ("settings", "problem", "hint"),
    [
        (
            "command: git log",
            "2: `command`: expected a list of words, which no shell reads",
            "write a list: command: [git, log]",
        ),
        ("command: []", "2: `command`: expected a program first", ""),
        ("command: [sleep, 5]", "2: `command`: expected a list of texts", "quotes"),
        ("command: [./run]", "2: `command`: ./run would depend on the working folder", ""),
        ("command: [a]\ntimeut: 5", "3: `timeut` is not a setting", "did you mean `timeout`?"),
        ("command: [a]\nshell: true", "3: `shell` is not a setting of a command", "there are:"),
        ("command: [a]\ntimeout: 0", "3: `timeout`: expected seconds", ""),
        ("command: [a]\ntimeout: true", "3: `timeout`: expected seconds", ""),
        ("command: [a]\ntimeout: 1e9", "3: `timeout`: expected seconds", ""),
        ("command: [a]\narguments: words", "3: `arguments`: expected stdin or flags", ""),
        ("command: [a]\nworking_folder: src", "3: `working_folder`: expected a whole path", ""),
        ("command: [a]\nworking_folder: ~nobody-x/y", "nobody has the home", ""),
        ("command: [a]\nenvironment: HOME", "3: `environment`: expected a list of names", ""),
        ("command: [a]\nenvironment: [A=b]", "3: `environment`: expected names", ""),
        ("command: [a]\nenvironment: [OPENAI_API_KEY]", "which no tool gets", ""),
        ("command: [a]\nenvironment: [HIVELOOM_VAULT_PASSPHRASE]", "which no tool gets", ""),
        (
            "command: [a]\narguments: flags\ninput: {properties: {a b: {}}}",
            "4: `input`: “a b” cannot be an option's name",
            "",
        ),
        (
            "command: [a]\narguments: flags\ninput: {properties: {-x: {}}}",
            "4: `input`: “-x” cannot be an option's name",
            "",
        ),
    ],
)
def test_a_setting_that_cannot_stand_is_told_with_its_line(
    home: Path, settings: str, problem: str, hint: str
) -> None:
    error = refuse(home, settings)
    assert problem in error.message
    assert hint in error.hint

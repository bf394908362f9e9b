"""What is attached is told by its bytes, and what cannot be attached by what it seems to be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.chat.attachment import MOST_BYTES, fit_name, load_attachment, parse_attachment
from hiveloom_cli.errors import HiveloomError, SourceUnusable, UsageMistake
from hiveloom_cli.protocols.message import DocumentPart, ImagePart, TextFilePart
from tests.support.files import build_gif, build_jpeg, build_pdf, build_png, build_webp

PAGE = b"\r\n <!DOCTYPE html><html><head><title>A shop</title></head>"


def parse(content: bytes, source: str = "a.bin") -> object:
    return parse_attachment(content, source=source, name="a.bin")


def fetch_nothing(url: str) -> bytes:
    raise AssertionError(url)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (build_png(), "image/png"),
        (build_jpeg(), "image/jpeg"),
        (build_gif(), "image/gif"),
        (b"GIF87a" + bytes(8), "image/gif"),
        (build_webp(), "image/webp"),
    ],
)
def test_an_image_has_the_media_type_of_its_bytes(content: bytes, media_type: str) -> None:
    assert parse(content) == ImagePart(media_type, content, "a.bin")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Grüße 日本 🐝\r\n\x1b[31m".encode(), "Grüße 日本 🐝\r\n\x1b[31m"),
        (b"\xef\xbb\xbfhi", "hi"),
        ("hé".encode("utf-16"), "hé"),
        (b"\xfe\xff" + "hé".encode("utf-16-be"), "hé"),
        ("hé".encode("utf-32"), "hé"),
        (b"PK is no archive", "PK is no archive"),
        (b"BMW, MZ, ID3 and OggS", "BMW, MZ, ID3 and OggS"),
        (b" \n", " \n"),
        (PAGE, PAGE.decode()),
    ],
)
def test_text_is_decoded(content: bytes, text: str) -> None:
    assert parse(content) == TextFilePart("a.bin", text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"PK\x03\x04", "is a ZIP archive"),
        (b"PK\x03\x04[Content_Types].xml..word/document.xml", "is a Word document"),
        (b"PK\x03\x04.......xl/workbook.xml", "is an Excel workbook"),
        (b"\x1f\x8b\x08", "is gzip-compressed data"),
        (bytes(257) + b"ustar\x0000", "is a tar archive"),
        (b"\x7fELF\x02", "is a program"),
        (b"SQLite format 3\x00", "is an SQLite database"),
        (b"\x00\x00\x00\x18ftypheic", "is a HEIC image"),
        (b"\x00\x00\x00\x18ftypisom", "is a video"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt \x00", "is a sound file"),
        (b"caf\xe9", "is text in an encoding other than UTF-8"),
        (b"\xff\xfe\x00", "is binary data of an unknown kind"),
        (b"a\x00b", "is binary data of an unknown kind"),
        (b"\x00" * 100, "is binary data of an unknown kind"),
        (b"x" * (MOST_BYTES + 1), "is larger than 50 MB"),
    ],
)
def test_what_cannot_be_attached_is_told_by_what_it_is(content: bytes, said: str) -> None:
    with pytest.raises(SourceUnusable) as caught:
        parse(content)
    assert caught.value.message == f"a.bin {said}"
    assert caught.value.hint


@given(st.binary(max_size=40))
def test_any_bytes_give_a_part_or_one_line(content: bytes) -> None:
    said = ""
    try:
        parse(content)
    except SourceUnusable as error:
        said = error.message
    assert "\n" not in said


def test_a_web_page_in_place_of_a_file_is_refused() -> None:
    with pytest.raises(SourceUnusable, match="is a web page, “A shop”, and not a file"):
        parse(PAGE, "https://shop.example/cat.png")


def test_the_bytes_go_before_the_name(tmp_path: Path) -> None:
    for name, content in {"a.png": build_pdf(), "b.txt": build_png(), "c": b"hi"}.items():
        (tmp_path / name).write_bytes(content)
    loaded = [
        load_attachment(str(tmp_path / name), fetch=fetch_nothing)
        for name in ("a.png", "b.txt", "c")
    ]
    assert loaded == [
        DocumentPart("a.png", build_pdf()),
        ImagePart("image/png", build_png(), "b.txt"),
        TextFilePart("c", "hi"),
    ]


def test_files_that_cannot_be_read_get_one_clear_line_each(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    for name, said in {
        "none": "no such file",
        "file/x": "cannot be read: Not a directory",
        "loop": "cannot be read: ",
        "n" * 300: "cannot be read: File name too long",
        "nul\0": "cannot be read: that is no path",
        "folder": "is a folder",
        "fifo": "is a pipe or a device",
        "/dev/zero": "is a pipe or a device",
        "/proc/self/mem": "cannot be read: ",
        "file": "is empty",
    }.items():
        with pytest.raises(SourceUnusable) as caught:
            load_attachment(str(tmp_path / name), fetch=fetch_nothing)
        assert said in caught.value.message
        assert caught.value.hint
    with pytest.raises(UsageMistake):
        load_attachment("", fetch=fetch_nothing)


def test_a_home_s_shorthand_is_known_and_a_strange_one_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path.home() / "n.txt").write_text("hi")
    (tmp_path / "~nobody-of-that-name").write_text("ho")
    monkeypatch.chdir(tmp_path)
    assert load_attachment("~/n.txt", fetch=fetch_nothing) == TextFilePart("n.txt", "hi")
    name = "~nobody-of-that-name"
    assert load_attachment(name, fetch=fetch_nothing) == TextFilePart(name, "ho")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h/a/b%20c.txt?x=1", "b c.txt"),
        ("https://h/", "h"),
        ("https://h", "h"),
        ("https://h/a%0A%1B[31m", "a\ufffd\ufffd[31m"),
    ],
)
def test_what_a_url_brings_is_named_by_its_path(url: str, name: str) -> None:
    assert load_attachment(url, fetch=lambda _: b"hi") == TextFilePart(name, "hi")


@given(st.text())
def test_a_name_is_one_bounded_line_with_nothing_invisible(name: str) -> None:
    fitted = fit_name(name)
    assert len(fitted) <= 100
    assert fitted.isprintable()
    assert fit_name(fitted) == fitted


def test_a_long_name_keeps_its_end() -> None:
    assert fit_name("n" * 300 + ".tar.gz").endswith("….tar.gz".removeprefix("…"))
    assert "…" in fit_name("n" * 300 + ".tar.gz")


def test_an_unusable_source_is_told_as_any_failure() -> None:
    assert issubclass(SourceUnusable, HiveloomError)
    assert (SourceUnusable.exit_code, SourceUnusable.code) == (1, "source_unusable")

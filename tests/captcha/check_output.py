"""Reads what the program writes with the parsers of Python's library; prints it, or fails.

check_output.py report FOLDER   report.html and the .svg and .png files beside it
check_output.py csv FILE        a line a row: its fields, as Python writes a list
"""
import base64
import csv
import html.parser
import pathlib
import re
import sys
import xml.etree.ElementTree

VOID = {"meta", "img", "br", "link"}
SVG = "{http://www.w3.org/2000/svg}"


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.refers, self.text, self.alts = [], [], [], "", []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {tag}"
        attrs = dict(attrs)
        assert tag not in {"script", "iframe", "object", "link", "form"}, tag
        assert not any(name.startswith("on") for name in names), f"a handler in {tag}"
        if tag not in VOID:
            self.open.append(tag)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "a":
            assert attrs["href"].startswith("#"), attrs["href"]
            self.refers.append(attrs["href"][1:])
        self.refers += attrs.get("aria-labelledby", "").split()
        if tag == "svg":
            assert attrs["role"] == "img" and attrs["aria-labelledby"]
        if tag == "img":
            self.alts.append(attrs["alt"])
            head, data = attrs["src"].split(",")
            assert head == "data:image/png;base64"
            assert base64.b64decode(data, validate=True).startswith(b"\x89PNG\r\n\x1a\n")
        assert "src" not in attrs or tag == "img"

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data


def check_report(folder):
    source = (folder / "report.html").read_text(encoding="utf-8")
    assert source.startswith("<!doctype html>")
    words = re.sub(r"base64,[A-Za-z0-9+/=]*", "", source).replace("http://www.w3.org/2000/svg", "")
    assert "//" not in words, words[words.index("//") - 20 :][:80]
    assert "url(" not in words and "@import" not in words
    page = Page()
    page.feed(source)
    page.close()
    assert not page.open, page.open
    assert len(page.ids) == len(set(page.ids)), "an id twice"
    assert set(page.refers) <= set(page.ids), set(page.refers) - set(page.ids)
    assert all(page.alts)
    for path in sorted(folder.iterdir()):
        if path.suffix == ".svg":
            root = xml.etree.ElementTree.parse(path).getroot()
            assert root.tag == SVG + "svg" and root.get("role") == "img"
            assert root.find(SVG + "title").text and root.find(SVG + "desc").text
            width, height = map(float, root.get("viewBox").split()[2:])
            for text in root.iter(SVG + "text"):
                assert 0 <= float(text.get("x")) <= width and 0 <= float(text.get("y")) <= height
            assert not any("nan" in value or "inf" in value for e in root.iter() for value in e.attrib.values())
        elif path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        else:
            assert path.name == "report.html", path
        print(path.name)
    print(len(page.alts), "pictures")
    print(page.text)


if sys.argv[1] == "report":
    check_report(pathlib.Path(sys.argv[2]))
else:
    with open(sys.argv[2], newline="", encoding="utf-8") as file:
        for row in csv.reader(file, strict=True):
            print(row)

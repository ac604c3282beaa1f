"""Read a report's HTML as a browser would see it, without one."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Elements with attributes and text, the table's cells by record, and what would be loaded."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.loaded, self.cells, self.text = [], [], {}, []
        self._open, self._record, self._key = [], None, None
        self.feed(text)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self._record = attrs.get("data-record")
        if tag == "td":
            self._key = attrs.get("data-key")
        for name in ("src", "srcset", "poster", "data", "xlink:href"):
            if name in attrs:
                self.loaded.append(attrs[name])
        if tag in ("link", "use", "image") and "href" in attrs:
            self.loaded.append(attrs["href"])

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"</{tag}> closes another element"
        if tag == "td":
            self._key = None

    def handle_data(self, data):
        self.text.append(data)
        if self._record and self._key:
            cells = self.cells.setdefault(self._record, {})
            cells[self._key] = cells.get(self._key, "") + data

    def said(self):
        """All text of the page."""
        return " ".join("".join(self.text).split())


def expected_cells(result):
    """What the comparison table must say of a record, formatted here anew."""
    accuracy = result.metrics["accuracy"]
    published = result.published
    error = published.get("standard_error")
    return {
        "ours": f"{accuracy['mean']:.4f} ± {accuracy['standard_error']:.4f}",
        "published": "-" if not published
        else f"{published['accuracy']:.4f}" + (f" ± {error:.4f}" if error else ""),
        "parameters": f"{result.model['parameters']:,}",
        "embedding": f"{result.model['embedding_size']}",
        "category": result.category,
    }  # fmt: skip

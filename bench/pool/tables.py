# SPDX-License-Identifier: MIT
"""Tables as text that is also Markdown, and the page they go into."""
import pathlib

BEGIN = "<!-- {} -->"
END = "<!-- end -->"


def is_number(cell):
    return cell == "" or cell[0].isdigit() or cell[0] == "-"


def table(heads, rows):
    """Columns of numbers to the right, the others to the left, padded so that it reads as text."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(3, *(len(row[i]) for row in [heads, *rows])) for i in range(len(heads))]
    right = [i > 0 and all(is_number(row[i]) for row in rows) for i in range(len(heads))]

    def line(cells):
        return " | ".join(cell.rjust(width) if to_the_right else cell.ljust(width)
                          for cell, width, to_the_right in zip(cells, widths, right))
    rule = ["-" * (width - 1) + (":" if to_the_right else "-")
            for width, to_the_right in zip(widths, right)]
    return "\n".join(f"| {line(row)} |" for row in [heads, rule, *rows])


def put_into_page(path, section, text):
    """Replace what stands between <!-- section --> and the next <!-- end -->."""
    page = pathlib.Path(path)
    before, found, rest = page.read_text(encoding="utf8").partition(BEGIN.format(section) + "\n")
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise SystemExit(f"{path} has no section {BEGIN.format(section)} ... {END}")
    page.write_text(f"{before}{found}\n{text.strip()}\n\n{ended}{after}", encoding="utf8")


def time(ns):
    """Three digits or so, with a unit."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            value = ns / size
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{ns:.0f} ns"

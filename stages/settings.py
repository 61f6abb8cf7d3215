"""Stage ``settings``: what each task, published model and search gets, a file each."""

from __future__ import annotations

from pipeline.study.reading import settings
from pipeline.study.settings import write_settings
from stages import entry


def main() -> None:
    write_settings(entry.params(), settings())


if __name__ == "__main__":
    entry.run(main)

"""What the fingerprints of classes are: the strings that speak most for each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from ncd.tokens import decoded
from ncd.visible import quoted, shown

__all__ = ["Fingerprint", "Fingerprints"]


@dataclass(frozen=True, repr=False)
class Fingerprint:
    """
    A string that speaks for a class.

    Attributes
    ----------
    string : bytes
        Words are joined by spaces; a line feed at its beginning or end may be that of the text.
    bits : float
        What it saves in the training texts of the class that have it, once in each of them.
    texts : int
        Training texts of the class that have it.
    share : float
        The same as a share of the training texts of the class.
    within : bytes
        The whole words that it is most often a part of, at its first place in a text of the class (1,000 texts are
        looked at, at most).
    """

    string: bytes
    bits: float
    texts: int
    share: float
    within: bytes

    def __repr__(self) -> str:
        within = f" (within {quoted(self.within)})" if self.within != self.string else ""
        return f"<Fingerprint {quoted(self.string)}{within} {self.bits:.1f} bits, {self.share:.0%} of the texts>"


class Fingerprints(dict[Any, "list[Fingerprint]"]):
    """
    The fingerprints of each class by its label, the strongest first; prints as a table.

    Examples
    --------
    >>> import ncd
    >>> texts = ["the cat sat on the mat", "le chat est sur le tapis", "the dog and the cat", "le chien et le chat"]
    >>> model = ncd.CodeLengthClassifier("words").fit(texts, ["en", "fr", "en", "fr"])
    >>> model.fingerprints(2)
    en            bits  texts
      'the'        1.1   100%
      'cat'        0.8   100%
    fr            bits  texts
      'le'         1.1   100%
      'chat'       0.8   100%
    """

    def __repr__(self) -> str:
        named = {label: [_names(found) for found in several] for label, several in self.items()}
        sizes = [tuple(map(len, names)) for rows in named.values() for names in rows]
        first, second = (max((size[i] for size in sizes), default=0) for i in (0, 1))
        lines = []
        for label, several in self.items():
            lines.append(f"{label!s:<{first + second + 4}}  {'bits':>6}  texts")
            lines += [
                f"  {string:<{first}}  {within:<{second}}  {found.bits:6.1f}  {found.share:5.0%}"
                for (string, within), found in zip(named[label], several, strict=True)
            ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = []
        for label, several in self.items():
            name = escape(shown(str(label)))
            rows.append(f'<tr><th style="text-align:left">{name}</th><th></th><th>bits</th><th>texts</th></tr>')
            for found in several:
                string, within = (
                    f'<td style="text-align:left"><code>{escape(name)}</code></td>' for name in _names(found)
                )
                rows.append(f"<tr>{string}{within}<td>{found.bits:.1f}</td><td>{found.share:.0%}</td></tr>")
        return f"<table>{''.join(rows)}</table>"

    def plot(self, label: Any, ax: Any = None) -> Any:
        """
        The bits of one class's fingerprints as bars.

        Parameters
        ----------
        label : object
            The class.
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ValueError
            If there is no such class.
        """
        from ncd.plot import bars

        if label not in self:
            raise ValueError(f"label is {label!r}: choose from {', '.join(map(repr, self))}")
        names = [" ".join(_names(found)).strip() for found in self[label]]
        ax = bars(names, [found.bits for found in self[label]], ax=ax)
        ax.set_title(str(label), parse_math=False)
        return ax

    def to_dict(self) -> dict[Any, list[dict[str, Any]]]:
        """Plain dictionaries and lists."""
        return {label: [asdict(found) for found in several] for label, several in self.items()}


def _names(found: Fingerprint) -> tuple[str, str]:
    """The string, and the words that it is a part of, as they are shown."""
    return quoted(found.string), shown(decoded(found.within)) if found.within != found.string else ""

"""Random conditions over the probe, as text: a grammar as data, and a walk through it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from api.query.functions import ARGUMENTS, CLOCK_FUNCTIONS, FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = ["0", "1", "2", "3", "5", "-1", "-3", "10", "12.5", "0.5", "2.000001", "2147483647"]
NUMBERS += ["2147483648", "-2147483648", "999999999999999999.999999", "1" + "0" * 36, "0." + "0" * 13 + "1", "5.0"]
WORDS = ["", "a", "A", "aa", "b", "É", "é b", "%", "_", "\\", "it''s", " ", "5", "-3", "customer"]
WORDS += ["😀", '"', "null", "12.5", "e", "Web"]
PATTERNS = ["", "%", "%%", "a%", "%A%", "_", "__", "\\%", "\\_", "\\\\", "\\", "a\\", "\\a%", "%5%"]
PATTERNS += ["é%", "12.5", "-%", "it''s", "1_", "C%r", "%\\%%", "%.%"]

# What each symbol may stand for without going deeper …
LEAVES: dict[str, list[str]] = {
    "number name": ["number", "amount", "other", "$key", "other.number", "Other.Amount", "gone.number"],
    "text name": ["text", "memo", "other.text", "OTHER.memo", "gone.text"],
    "flag": ["flag", "other.flag", "gone.flag"],
    "moment name": ["moment", "other.moment", "gone.moment"],
    "codes": ["codes", "other.codes", "gone.codes"],
    "numeral": [*NUMBERS, *(f"'{number}'" for number in NUMBERS[:8]), "null", "''"],
    "word": [*(f"'{word}'" for word in WORDS), '"it\'s"', '"""b"', "null"],
    "pattern": [f"'{pattern}'" for pattern in PATTERNS],
    "date": [
        "@2026-03-14@",
        "@2026-03-14T00:00:00Z@",
        "@2026-03-14T00:00:00@",
        "@0001-01-02T00:00:00Z@",
        "@2026-03-13T19:30:01+01:00@",
        "@9000-06-15T23:59:59Z@",
        "'2026-03-14'",
        "'2026-03-13 18:30:01.9Z'",
        "'2024-02-29T23:59'",
        "null",
    ],
    "clock": ["'05:00'", "'05:00:00'", "'23:59:59'"],
    "count": [
        "0",
        "1",
        "2",
        "-1",
        "3",
        "1.5",
        "30",
        "1000",
        "1001",
        "900000",
        "-900000",
        "5000000",
        "number",
        "amount",
    ],
    "code point": ["65", "233", "0", "55296", "57344", "1114112", "number", "amount"],
    "number": ["<number name>", "<number name>", "<numeral>"],
    "text": ["<text name>", "<text name>", "<word>"],
    "moment": ["<moment name>", "<moment name>", "<date>", "currentDate()", "currentTimestamp()"],
    "equals": ["eq", "ne", "=", "EQ"],
    "compares": ["eq", "ne", "lt", "le", "gt", "ge"],
    "yes or no": ["true", "false", "'Y'", "'n'", "'TRUE'", "''", "null", "<flag>"],
    "sign": ["+", "-", "mul", "div", "mod"],
    "power": ["0", "1", "2", "-1", "3", "500", "-900"],
}
# … and what else it may stand for where there is room.
FORMS: dict[str, list[str]] = {
    "number": [
        "(<number> <sign> <number>)",
        "<number name> mul <numeral>",
        "-(<number>)",
        "abs(<number>)",
        "SIGN(<number>)",
        "round(<number>)",
        "floor(<number>)",
        "ceil(<number>)",
        "round(<number>, <count>)",
        "trunc(<number>, <count>)",
        "pow(<number name>, <power>)",
        "pow(<numeral>, <power>)",
        "length(<text>)",
        "ascii(<text>)",
        "locate(<text>, <text>)",
        "year(<moment>)",
        "month(<moment>)",
        "day(<moment>)",
        "tzHour(<moment>)",
        "tzMinute(<moment>)",
        "hour(<moment>)",
        "minute(<clock>)",
        "second(<moment>)",
        "millisecond(<moment>)",
    ],
    "text": [
        "concat(<text>)",
        "concat(<text>, <number>)",
        "concat(<text>, <text>, <text>)",
        "left(<text>, <count>)",
        "Right(<number name>, <count>)",
        "right(<text>, <count>)",
        "substring(<text>, <count>, <count>)",
        "lower(<text>)",
        "upper(<text>)",
        "trim(<text>)",
        "replace(<text>, <text>, <text>)",
        "lpad(<text>, <count>)",
        "rpad(<text>, <count>, <text>)",
        "lpad(<text>, <count>, <text>)",
        "char(<code point>)",
    ],
    "moment": [
        "dateAdd(<moment>, <count>)",
        "dateSub(<moment>, <count>)",
        "timestampAdd(<moment>, <count>)",
        "timestampSub(<moment>, <count>)",
    ],
    "test": [
        "<number> <compares> <number>",
        "<text> <compares> <text>",
        "<text> <compares> <number name>",
        "<numeral> <compares> <text name>",
        "<moment> <compares> <moment>",
        "currentTime() <compares> <clock>",
        "<flag> <equals> <yes or no>",
        "<yes or no> <equals> <flag>",
        "<codes> <equals> <word>",
        "<word> <equals> <codes>",
        "<codes> <equals> <text>",
        "<codes> in (<word>, <word>)",
        "<text> in (<word>, <word>, <word>)",
        "<text name> in (<numeral>, <word>)",
        "<number> in (<numeral>, <numeral>)",
        "<number> in (<numeral>)",
        "<moment> in (<date>, <date>)",
        "<number> between <number> and <number>",
        "<text> between <text> and <text>",
        "<moment> between <moment> and <moment>",
        "<text> like <pattern>",
        "<number name> like <pattern>",
        "<flag>",
    ],
    "condition": [
        "<test>",
        "<test>",
        "<condition> and <condition>",
        "<condition> or <condition>",
        "not <condition>",
        "(<condition>)",
        "(<condition>) <equals> <yes or no>",
    ],
    # Calls of any function with arguments of any type, most of them wrong.
    "anything": ["<number>", "<text>", "<moment>", "<flag>", "<codes>", "(<test>)", "currentTime()"],
    "call": [f"<call {name}> <compares> <anything>" for name in (*FUNCTIONS, *CLOCK_FUNCTIONS, "nosuch")],
}
for name, function in FUNCTIONS.items():
    counts = {*function.arity} - {ARGUMENTS}
    FORMS[f"call {name}"] = [f"{name}({', '.join(['<anything>'] * count)})" for count in counts]
FORMS |= {f"call {name}": [f"{name}()"] for name in CLOCK_FUNCTIONS}
FORMS["call nosuch"] = ["nosuch(<anything>)", "abs()"]
_SYMBOL = re.compile("<([a-z ]+)>")
LEAVES |= {"test": ["<flag>"], "condition": ["<test>"], "anything": ["<number>"]}


def expand(symbol: str, room: int, choose: Callable[[list[str]], str]) -> str:
    """A text for ``symbol``, at most ``room`` forms deep; ``choose`` picks one of several."""
    forms = FORMS.get(symbol, []) if room > 0 else []
    form = choose([*LEAVES.get(symbol, []), *forms] or FORMS[symbol])
    return fill(form, room - 1, choose)


def fill(form: str, room: int, choose: Callable[[list[str]], str]) -> str:
    """``form`` with a text in the place of each of its symbols."""
    return _SYMBOL.sub(lambda match: expand(match[1], room, choose), form)


@st.composite
def sentences(draw: Callable[[Any], Any], symbol: str, room: int) -> str:
    """A random text of the grammar above."""
    return expand(symbol, room, lambda forms: str(draw(st.sampled_from(forms))))


@st.composite
def damaged(draw: Callable[[Any], Any], room: int) -> str:
    """A condition with one of its words exchanged for any other."""
    words = draw(sentences("condition", room)).split(" ")
    words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(_WORDS.split()))
    return " ".join(words)


_WORDS = """
    and or not eq ne lt le gt ge = between in like + - mul div mod ( ) , true false null
    number amount text memo flag moment codes other other.text gone.codes nosuch $key $updated
    0 1 5 -3 12.5 1000000000000000000000000000000000000000 '' 'a' 'Y' '5' "2026-03-14" '%\\' '10:00'
    @2026-03-14@ @0001-01-01@ currentDate() currentTime() length(text) year(moment) (flag) ' " @
"""

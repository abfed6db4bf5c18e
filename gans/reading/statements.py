"""Whether what a person wrote in SQL may run: one statement, which only reads, of our own tables and views.

The database never gets the text itself, but the tokens that were validated, without comments: what a parser skips as a comment,
MySQL may obey (`/*! … */`), and what one reads as a comment, another may read as code (`--1`). The validation is the first wall
of three; `gans.reading.answer` raises the others.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Final, Literal

from sqlglot import exp
from sqlglot.dialects import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from gans.database.views import view_texts
from gans.errors import Refused
from gans.tables import metadata

Dialects = Literal["sqlite", "mysql"]

MOST_CHARACTERS: Final = 20_000


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON = _words("""
    abs acos asin atan atan2 avg cast ceil ceiling char coalesce concat concat_ws cos count cume_dist date degrees dense_rank exp
    first_value floor group_concat hex ifnull instr json_array json_array_length json_extract json_object json_quote json_type
    json_valid lag last_value lead length like ln log log10 log2 lower ltrim max min mod nth_value ntile nullif percent_rank pi
    pow power quote radians rank replace round row_number rtrim sign sin soundex sqrt substr substring sum tan time trim unhex
    upper
""")
FUNCTIONS: Final[Mapping[Dialects, frozenset[str]]] = {
    "sqlite": _COMMON
    | _words("""
        current_date current_time current_timestamp datetime format glob iif json json_group_array json_group_object julianday
        likelihood likely octet_length printf random strftime string_agg timediff total trunc typeof unicode unixepoch unlikely
    """),
    "mysql": _COMMON
    | _words("""
        adddate addtime any_value ascii bin bit_and bit_count bit_length bit_or bit_xor char_length character_length conv convert
        convert_tz cot crc32 curdate current_date current_time current_timestamp curtime date_add date_format date_sub datediff
        day dayname dayofmonth dayofweek dayofyear elt extract field find_in_set format from_days from_unixtime greatest grouping
        hour if insert interval isnull json_arrayagg json_contains json_contains_path json_depth json_keys json_length
        json_objectagg json_overlaps json_search json_unquote json_value last_day lcase least left localtime localtimestamp locate
        lpad makedate maketime md5 median microsecond mid minute month monthname now oct octet_length ord percentile_cont
        percentile_disc period_add period_diff point position quarter rand regexp_instr regexp_like regexp_replace regexp_substr
        repeat reverse right rpad sec_to_time second sha1 sha2 space st_distance_sphere std stddev stddev_pop stddev_samp
        str_to_date strcmp subdate substring_index subtime time_format time_to_sec timediff timestamp timestampadd timestampdiff
        to_days to_seconds truncate ucase unix_timestamp utc_date utc_time utc_timestamp values var_pop var_samp variance week
        weekday weekofyear weight_string year yearweek
    """),
}
"""What may be called. None locks, sleeps, reads a file, or leaves anything in a session."""

_BEFORE_PARENTHESIS = _words("""
    all and any as between by case distinct div else except exists filter from having in intersect is join like limit
    materialized not offset on or over regexp rlike row select some then union using values when where xor
    binary char datetime decimal dec double float numeric time timestamp varbinary varchar
""")
"""Words of SQL, and types, behind which a parenthesis is no call."""

_REFUSED_TOKENS: Final[Mapping[TokenType, str]] = {
    TokenType.PARAMETER: "a variable (@)",
    TokenType.SESSION_PARAMETER: "a variable of the server (@@)",
    TokenType.COLON_EQ: "an assignment (:=)",
    TokenType.PLACEHOLDER: "a ? for a value that nobody gives",
    TokenType.HINT: "a hint (/*+)",
    TokenType.INTO: "INTO",
    TokenType.L_BRACE: "a brace",
    TokenType.BLOCK_START: "a brace",
}
_REFUSED_NODES: Final[Mapping[type[exp.Expr], str]] = {
    exp.Lock: "a lock (FOR UPDATE, FOR SHARE)",
    exp.Into: "INTO",
    exp.Hint: "a hint",
    exp.IndexTableHint: "a hint (USE INDEX)",
    exp.Introducer: "a text with its character set in front",
    exp.NextValueFor: "the next value of a sequence",
    exp.Placeholder: "a name for a value that nobody gives",
    exp.Version: "FOR SYSTEM_TIME",
}
_MAY = "Only SELECT, WITH and EXPLAIN may run here, of the tables and views of Gans."
_EXPLAIN = re.compile(r"\s*EXPLAIN(\s+QUERY\s+PLAN|\s+FORMAT\s*=\s*(JSON|TREE|TRADITIONAL))?\s+(?=[(SW])", re.IGNORECASE)


@cache
def relations() -> frozenset[str]:
    """The names of our tables and views."""
    return frozenset({*metadata.tables, *view_texts()})


def validated(sql: str, dialect: Dialects) -> str:
    """The statement as the database is to get it: its tokens alone, without a comment.

    Args:
        sql: one statement; a `;` may end it.
        dialect: "mysql" for MariaDB too.

    Raises:
        Refused: it is not one statement that only reads, of our own tables and views; the message says what is refused.
    """
    if len(sql) > MOST_CHARACTERS:
        raise Refused(f"Refused: the statement is longer than {MOST_CHARACTERS:,} characters.")
    explain = _EXPLAIN.match(sql)
    body = sql[explain.end() :] if explain else sql
    try:
        tokens = _tokens(body, dialect)
        _validate_tokens(tokens, dialect)
        trees = Dialect.get_or_raise(dialect).parser().parse(tokens, body)
    except RecursionError:
        raise Refused("Refused: the statement is nested too deeply.") from None
    except (ParseError, TokenError) as error:
        raise Refused(f"This cannot be read as SQL: {_first_line(error)}. {_MAY}") from None
    if len(trees) != 1 or trees[0] is None:
        raise Refused(f"Refused: {len(trees)} statements where one may stand.")
    _validate_tree(trees[0])
    return (" ".join(explain[0].split()) + " " if explain else "") + _text(body, tokens)


def _tokens(sql: str, dialect: Dialects) -> list[Token]:
    tokens = list(Dialect.get_or_raise(dialect).tokenize(sql))
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise Refused(f"There is no statement. {_MAY}")
    return tokens


def _text(sql: str, tokens: Sequence[Token]) -> str:
    """The tokens as they were written, with a blank or a line's end where anything stood between two of them."""
    parts = [sql[tokens[0].start : tokens[0].end + 1]]
    for last, token in pairwise(tokens):
        gap = sql[last.end + 1 : token.start]
        parts.append("\n" if "\n" in gap else " " if gap else "")
        parts.append(sql[token.start : token.end + 1])
    return "".join(parts)


def _validate_tokens(tokens: Sequence[Token], dialect: Dialects) -> None:
    first = tokens[0]
    if first.token_type not in (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN):
        raise Refused(f"Refused: {first.text[:40].upper()}. {_MAY}")
    for number, token in enumerate(tokens):
        if token.token_type is TokenType.SEMICOLON:
            raise Refused("Refused: a second statement behind the ; where one may stand.")
        if what := _REFUSED_TOKENS.get(token.token_type):
            raise Refused(f"Refused: {what}. {_MAY}")
        if token.token_type is TokenType.L_PAREN and number:
            _validate_call(tokens, number, dialect)


def _validate_call(tokens: Sequence[Token], number: int, dialect: Dialects) -> None:
    """Whether the parenthesis at `number` follows a word of SQL, a function that may be called, or a name with its columns."""
    before = tokens[number - 1]
    is_quoted = before.token_type in (TokenType.IDENTIFIER, TokenType.STRING)
    if not is_quoted and (before.token_type in _LITERALS or not re.search(r"[\w$]\Z", before.text)):
        return  # an operator, a comma, another parenthesis, a number
    name = before.text.lower()
    if name in FUNCTIONS[dialect] or (not is_quoted and name.split()[-1] in _BEFORE_PARENTHESIS):
        return
    if number > 1 and tokens[number - 2].token_type is TokenType.ALIAS:
        return  # the columns of a derived table; elsewhere it is no SQL
    if _is_named_query(tokens, number):
        return
    raise Refused(f"Refused: the function {before.text[:60]} is not among those that may be called here.")


_LITERALS = frozenset({TokenType.NUMBER, TokenType.HEX_STRING, TokenType.BIT_STRING, TokenType.NATIONAL_STRING})


def _is_named_query(tokens: Sequence[Token], number: int) -> bool:
    """Whether a name with its columns in parentheses begins a query of a WITH: `… (a, b) AS (`."""
    end = number
    while end < len(tokens) and tokens[end].token_type is not TokenType.R_PAREN:
        end += 1
    behind = [token.text.upper() for token in tokens[end + 1 : end + 5]]
    return behind[:2] == ["AS", "("] or behind[:3] == ["AS", "MATERIALIZED", "("] or behind == ["AS", "NOT", "MATERIALIZED", "("]


def _validate_tree(tree: exp.Expr) -> None:
    if not isinstance(tree, exp.Query):
        raise Refused(f"Refused: {tree.key.upper()}. {_MAY}")
    for node in tree.walk():
        if isinstance(node, (exp.DML, exp.DDL, exp.Command)) and not isinstance(node, exp.Query):
            raise Refused(f"Refused: {node.key.upper()}. {_MAY}")
        if what := next((what for kind, what in _REFUSED_NODES.items() if isinstance(node, kind)), None):
            raise Refused(f"Refused: {what}. {_MAY}")
        if isinstance(node, exp.Table):
            _validate_table(node)


def _validate_table(table: exp.Table) -> None:
    if not isinstance(table.this, exp.Identifier):
        raise Refused(f"Refused: {table.this.name[:60] or 'this'} where the name of a table or view must stand.")
    if table.db or table.catalog:
        raise Refused(f"Refused: {table.db[:60]}.{table.name[:60]}. Name the table or view alone, without a database.")
    name = table.name.lower()
    if name not in relations() and name not in set(_queries_in_reach(table)) and name != "dual":
        raise Refused(
            f"There is no table or view {table.name[:60]} here. `.tables` in `gans db shell` and schema/README.md say which."
        )


def _queries_in_reach(table: exp.Table) -> Iterator[str]:
    """The names of the queries of the WITHs around a table."""
    node = table.parent
    while node is not None:
        if isinstance(node, exp.Query) and (named := node.args.get("with_")):
            yield from (one.alias.lower() for one in named.expressions)
        node = node.parent


def _first_line(error: Exception) -> str:
    """What the parser says, in one line and without its colours."""
    first = re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()[0]
    return first.rstrip(". ")[:200]

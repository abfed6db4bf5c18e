"""What of people's SQL may run, without a database."""

import re

import pytest

from gans.database.views import view_texts
from gans.errors import Refused
from gans.reading.queries import queries
from gans.reading.statements import FUNCTIONS, MOST_CHARACTERS, Dialects, validated

BOTH = tuple(FUNCTIONS)
SQLITE, MYSQL = ("sqlite",), ("mysql",)


@pytest.mark.parametrize("dialect", BOTH)
def test_our_own_queries_and_views_may_run_and_nothing_but_their_comments_is_left_out(dialect: Dialects) -> None:
    for sql in (*(one.sql for one in queries()), *view_texts().values()):
        assert validated(sql, dialect).split() == re.sub("--.*", "", sql).rstrip(";").split()


@pytest.mark.parametrize(
    ("dialects", "sql", "sent"),
    [
        (BOTH, " SELECT 1 ;; -- the end", "SELECT 1"),
        (BOTH, "SELECT 'a;''b', name FROM cities c WHERE name LIKE '100 % :x'", None),
        (BOTH, "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT COUNT(*) FROM c", None),
        (BOTH, "(SELECT 1) UNION ALL (SELECT city_id FROM cities ORDER BY 1 LIMIT 2)", None),
        (BOTH, "SELECT RANK() OVER (PARTITION BY city_id ORDER BY name), CAST(1 AS DECIMAL(4, 1)) FROM cities", None),
        (BOTH, "SELECT name FROM cities GROUP BY (name) ORDER BY (name) LIMIT (2)", None),
        (BOTH, "EXPLAIN  SELECT 1", "EXPLAIN SELECT 1"),
        (BOTH, "explain format = json WITH a AS (SELECT 1) SELECT * FROM a", None),
        (SQLITE, 'EXPLAIN QUERY PLAN SELECT "name", [name] FROM Cities', None),
        (SQLITE, "SELECT strftime('%H', hour_at), name || 'x' FROM city_hours, cities", None),
        (MYSQL, "SELECT DATE_ADD(hour_at, INTERVAL 1 DAY), 'it\\'s', `city` FROM city_hours", None),
        (MYSQL, "SELECT 1 /*!50000 , SLEEP(9) */ AS x", "SELECT 1 AS x"),
        (MYSQL, "SELECT 1/*M!, SLEEP(9)*/+2 # , SLEEP(9)", "SELECT 1 +2"),
        (MYSQL, "SELECT 5 --1", "SELECT 5 --1"),
    ],
)  # fmt: skip
def test_what_reads_may_run_without_its_comments(dialects: tuple[Dialects, ...], sql: str, sent: str | None) -> None:
    for dialect in dialects:
        assert validated(sql, dialect) == (sent or sql)


@pytest.mark.parametrize(
    ("dialects", "sql", "said"),
    [
        (BOTH, "", "no statement"),
        (BOTH, "-- nothing", "no statement"),
        (BOTH, "SELECT 1; SELECT 2", "second statement"),
        (BOTH, "SELECT 1; DROP TABLE cities", "second statement"),
        (BOTH, "SELECT FROM FROM", "cannot be read as SQL"),
        (BOTH, f"SELECT '{'x' * MOST_CHARACTERS}'", "longer than 20,000"),
        (BOTH, f"SELECT {'(' * 5_000}1{')' * 5_000}", "nested too deeply"),
        (BOTH, "DELETE FROM cities", "DELETE"),
        (BOTH, "WITH a AS (SELECT 1) DELETE FROM cities", "DELETE"),
        (BOTH, "WITH a AS (DELETE FROM cities) SELECT * FROM a", "DELETE|cannot be read"),
        (BOTH, "INSERT INTO cities SELECT * FROM cities", "INSERT"),
        (BOTH, "CREATE TEMPORARY TABLE stations AS SELECT 1", "CREATE"),
        (BOTH, "EXPLAIN DELETE FROM cities", "EXPLAIN"),
        (BOTH, "EXPLAIN ANALYZE SELECT 1", "EXPLAIN"),
        (BOTH, "VALUES (1)", "VALUES"),
        (BOTH, "SELECT * FROM nonsense", "no table or view nonsense"),
        (BOTH, "SELECT * FROM information_schema.tables", r"information_schema\.tables"),
        (BOTH, "SELECT ?", r"a \?"),
        (BOTH, "SELECT nonsense(1)", "function nonsense"),
        (SQLITE, "SELECT fts3_tokenizer('evil', x'4141414141414141')", "function fts3_tokenizer"),
        (SQLITE, "SELECT \"fts3_tokenizer\" ('evil')", "function fts3_tokenizer"),
        (SQLITE, "SELECT [load_extension]('x')", "function load_extension"),
        (SQLITE, "CREATE VIRTUAL TABLE temp.t USING fts3(a, tokenize=evil)", "CREATE"),
        (SQLITE, "PRAGMA hard_heap_limit=1", "PRAGMA"),
        (SQLITE, "ATTACH 'x' AS y", "ATTACH"),
        (SQLITE, "VACUUM INTO 'x'", "VACUUM"),
        (SQLITE, "SELECT zeroblob(100000000)", "function zeroblob"),
        (SQLITE, "SELECT * FROM sqlite_master", "no table or view sqlite_master"),
        (SQLITE, "SELECT * FROM 'sqlite_master'", "no table or view|must stand"),
        (SQLITE, "SELECT * FROM temp.cities", r"temp\.cities"),
        (SQLITE, "SELECT * FROM pragma_table_info('cities')", "function pragma_table_info"),
        (SQLITE, "SELECT * FROM 'pragma_table_info'('cities')", "function pragma_table_info"),
        (MYSQL, "SELECT a$b(1)", r"function a\$b"),
        (SQLITE, "SELECT * FROM pragma_database_list", "no table or view pragma"),
        (
            SQLITE,
            "SELECT * FROM sqlite_master WHERE EXISTS (WITH sqlite_master AS (SELECT 1) SELECT 1 FROM sqlite_master)",
            "no table or view sqlite_master",
        ),
        (MYSQL, "USE information_schema", "USE"),
        (MYSQL, "SET SESSION TRANSACTION READ WRITE", "SET"),
        (MYSQL, "SET GLOBAL max_connections = 1", "SET"),
        (MYSQL, "LOCK TABLES cities WRITE", "LOCK"),
        (MYSQL, "START TRANSACTION", "START"),
        (MYSQL, "SHUTDOWN", "SHUTDOWN"),
        (MYSQL, "KILL 1", "KILL"),
        (MYSQL, "HANDLER cities OPEN", "HANDLER"),
        (MYSQL, "SHOW TABLES", "SHOW"),
        (MYSQL, "CALL x()", "CALL"),
        (MYSQL, "DO SLEEP(9)", "DO"),
        (MYSQL, "TABLE cities", "TABLE"),
        (MYSQL, "SELECT GET_LOCK('gans', 1)", "function GET_LOCK"),
        (MYSQL, "SELECT `sleep`  (9)", "function sleep"),
        (MYSQL, "SELECT 1 --1 UNION SELECT SLEEP(9)", "function SLEEP"),
        (MYSQL, "SELECT /* /* */ SLEEP(9) /* */ */ 1", "function SLEEP"),
        (MYSQL, "WITH sleep (n) AS (SELECT 1) SELECT sleep(9) FROM sleep", "function sleep"),
        (MYSQL, "SELECT BENCHMARK(1000000000, 1)", "function BENCHMARK"),
        (MYSQL, "SELECT LOAD_FILE('/etc/passwd')", "function LOAD_FILE"),
        (MYSQL, "SELECT 1 INTO OUTFILE '/tmp/x'", "INTO"),
        (MYSQL, "SELECT name INTO @x FROM cities", "INTO|variable"),
        (MYSQL, "SELECT @x", "variable"),
        (MYSQL, "SELECT @x := 1", "variable"),
        (MYSQL, "SELECT @@global.datadir", "variable"),
        (MYSQL, "SELECT name FROM cities FOR UPDATE", "a lock"),
        (MYSQL, "SELECT name FROM cities FOR SHARE", "a lock"),
        (MYSQL, "SELECT name FROM cities LOCK IN SHARE MODE", "a lock"),
        (MYSQL, "SELECT * FROM (SELECT name FROM cities FOR UPDATE) t", "a lock"),
        (MYSQL, "SELECT /*+ SET_VAR(max_execution_time = 0) */ 1", "a hint"),
        (MYSQL, "SELECT name FROM cities USE INDEX (x)", "hint|function INDEX"),
        (MYSQL, "SELECT _latin1'x'", "character set"),
        (MYSQL, "SELECT {d '2026-01-01'}", "brace"),
        (MYSQL, "SELECT * FROM mysql.user", r"mysql\.user"),
        (MYSQL, "SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a INT PATH '$')) t", "function JSON_TABLE"),
    ],
)
def test_what_does_not_only_read_our_own_is_refused_and_named(dialects: tuple[Dialects, ...], sql: str, said: str) -> None:
    for dialect in dialects:
        with pytest.raises(Refused, match=said):
            validated(sql, dialect)

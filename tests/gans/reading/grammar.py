"""A grammar of SQL: what people ask, and what does harm, each in many disguises; by a seed always the same."""

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from gans.reading.statements import FUNCTIONS, Dialects, relations


class Statement(NamedTuple):
    """A statement, and whether it must be refused, whatever else is true of it."""

    sql: str
    is_harmful: bool


WRITES: Final = """\
INSERT INTO {table} SELECT * FROM {table}
INSERT INTO countries (country_code, name) VALUES ('XX', 'x')
REPLACE INTO countries (country_code, name) VALUES ('XX', 'x')
UPDATE {table} SET fetched_at = fetched_at
UPDATE countries SET name = 'x'
DELETE FROM {table}
WITH a AS (SELECT 1) DELETE FROM {table}
TRUNCATE TABLE {table}
DROP TABLE {table}
DROP VIEW {table}
DROP DATABASE gans
ALTER TABLE {table} ADD COLUMN x INTEGER
ALTER TABLE {table} RENAME TO x
RENAME TABLE {table} TO x
CREATE TABLE x (a INTEGER)
CREATE TABLE x AS {query}
CREATE TEMPORARY TABLE {table} AS {query}
CREATE TEMP VIEW {table} AS {query}
CREATE VIEW x AS {query}
CREATE INDEX x ON {table} (fetched_at)
CREATE TRIGGER x AFTER INSERT ON {table} BEGIN SELECT 1; END
CREATE VIRTUAL TABLE temp.t USING fts3(a, tokenize=evil)
CREATE VIRTUAL TABLE temp.t USING dbstat
CREATE DATABASE x
CREATE USER x IDENTIFIED BY 'x'
CREATE FUNCTION x RETURNS INTEGER SONAME 'x.so'
CREATE EVENT x ON SCHEDULE EVERY 1 SECOND DO DELETE FROM countries
GRANT ALL ON *.* TO x
LOAD DATA INFILE '/etc/passwd' INTO TABLE countries
MERGE INTO countries USING {table} ON 1 = 1 WHEN MATCHED THEN DELETE
IMPORT TABLE FROM 'x.sdi'""".splitlines()

SESSION: Final = """\
PRAGMA hard_heap_limit=1
PRAGMA writable_schema=1
PRAGMA journal_mode=DELETE
PRAGMA query_only=0
PRAGMA trusted_schema=ON
PRAGMA temp_store_directory='/tmp'
ATTACH '/tmp/gans-attack.db' AS other
DETACH main
VACUUM INTO '/tmp/gans-attack.db'
VACUUM
REINDEX
ANALYZE
BEGIN IMMEDIATE
BEGIN
COMMIT
ROLLBACK
SAVEPOINT x
START TRANSACTION WITH CONSISTENT SNAPSHOT
SET SESSION sql_mode = ''
SET SESSION TRANSACTION READ WRITE
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
SET GLOBAL max_connections = 1
SET GLOBAL read_only = 1
SET PERSIST max_connections = 1
SET @x = 1
SET NAMES latin1
SET PASSWORD = 'x'
SET ROLE ALL
USE information_schema
LOCK TABLES {table} WRITE
LOCK INSTANCE FOR BACKUP
FLUSH TABLES WITH READ LOCK
FLUSH PRIVILEGES
UNLOCK TABLES
HANDLER {table} OPEN
KILL 1
SHUTDOWN
RESTART
RESET BINARY LOGS AND GTIDS
PURGE BINARY LOGS BEFORE '2030-01-01'
INSTALL PLUGIN x SONAME 'x.so'
INSTALL COMPONENT 'file://component_x'
CLONE LOCAL DATA DIRECTORY '/tmp/x'
PREPARE x FROM 'DELETE FROM countries'
EXECUTE x
EXECUTE IMMEDIATE 'DELETE FROM countries'
DEALLOCATE PREPARE x
CALL x()
DO SLEEP(9)
SHOW GRANTS
SHOW PROCESSLIST
DESCRIBE {table}
HELP 'x'
CHECKSUM TABLE {table}
OPTIMIZE TABLE {table}
REPAIR TABLE {table}
BINLOG 'x'
CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'x'
EXPLAIN ANALYZE {query}
EXPLAIN DELETE FROM {table}
XA START 'x'
BEGIN NOT ATOMIC DELETE FROM countries; END""".splitlines()

CALLS: Final = """\
fts3_tokenizer('evil', x'4141414141414141')
load_extension('x.so')
zeroblob(100000000)
randomblob(100000000)
readfile('/etc/passwd')
writefile('/tmp/gans-attack', 'x')
edit('x')
sqlite_compileoption_get(1)
GET_LOCK('gans.x', 1)
RELEASE_ALL_LOCKS()
IS_FREE_LOCK('x')
SLEEP(9)
BENCHMARK(1000000000, SHA2('x', 512))
LOAD_FILE('/etc/passwd')
LAST_INSERT_ID(7)
MASTER_POS_WAIT('x', 1)
WAIT_FOR_EXECUTED_GTID_SET('x')
NAME_CONST('a', 1)
UPDATEXML('<a/>', '/a', 'b')
EXTRACTVALUE(1, CONCAT(0x7e, VERSION()))
SETVAL(x, 1)
NEXTVAL(x)
UUID_SHORT()
PS_CURRENT_THREAD_ID()
SYS_EVAL('x')""".splitlines()

TABLES: Final = """\
sqlite_master
sqlite_schema
sqlite_temp_master
temp.stations
main.sqlite_master
pragma_database_list
pragma_table_info('cities')
dbstat
json_each('[1]')
generate_series(1, 1000000000)
information_schema.tables
information_schema.processlist
mysql.user
performance_schema.threads
sys.session
alembic_version
JSON_TABLE('[1]', '$[*]' COLUMNS (a INT PATH '$')) t
'sqlite_master'""".splitlines()

TAILS: Final = (
    " FOR UPDATE",
    " FOR SHARE",
    " LOCK IN SHARE MODE",
    " INTO OUTFILE '/tmp/gans-attack'",
    " INTO @x",
    " INTO DUMPFILE '/tmp/x'",
)
VALUES: Final = ("@x", "@x := 1", "@@global.datadir", "@@session.sql_mode", "?", "_latin1'x'")
PLAIN_VALUES: Final = ("1", "-2.5", "'x'", "NULL", "name", "'2026-01-02'", "''", "9223372036854775807", "x'00ff'", "1000000")
GAPS: Final = (" ", "  ", "\n", "\t", " /* ; */ ", " -- x'\n", "/**/ ")


def statements(dialect: Dialects, seed: int, count: int) -> Iterator[Statement]:
    """So many statements."""
    made = _Maker(dialect, random.Random(seed))
    for _ in range(count):
        yield made.statement()


class _Maker:
    def __init__(self, dialect: Dialects, chance: random.Random) -> None:
        self.dialect, self.chance = dialect, chance
        self.tables, self.functions = sorted(relations()), sorted(FUNCTIONS[dialect])

    def statement(self) -> Statement:
        sql, is_harmful = self._any()
        if self.chance.random() < 0.3:
            sql = self._disguised(sql)
        end = self.chance.choice(("", "", ";", " ; -- end", f"; {self._of(WRITES)}" if self.chance.random() < 0.2 else ""))
        return Statement(sql + end, is_harmful or len(end) > 10)

    def _any(self) -> tuple[str, bool]:
        match self.chance.randrange(10):
            case 0 | 1:
                return self._of(WRITES), True
            case 2 | 3:
                return self._of(SESSION), True
            case 4:
                return self._within(self._of(CALLS)), True
            case 5:
                return f"SELECT * FROM {self._of(TABLES)}", True
            case 6:
                harm = self.chance.choice((self.query(1) + self._of(TAILS), self._within(self._of(VALUES))))
                return harm, True
            case _:
                return self.query(self.chance.randrange(4)), False

    def _of(self, choices: tuple[str, ...] | list[str]) -> str:
        return self.chance.choice(choices).replace("{table}", self.chance.choice(self.tables)).replace("{query}", self.query(0))

    def _within(self, call: str) -> str:
        """A call in one of the places where an expression may stand."""
        return self.chance.choice(
            (
                "SELECT {}",
                "SELECT 1, (SELECT {}) AS x",
                "SELECT name FROM countries WHERE {} IS NOT NULL",
                "SELECT name FROM countries ORDER BY {}",
                "SELECT COUNT(*) FROM countries GROUP BY name HAVING {} > 0",
                "WITH a AS (SELECT {} AS x) SELECT * FROM a",
                "SELECT CASE WHEN {} THEN 1 ELSE 2 END",
                "SELECT * FROM countries a JOIN countries b ON {} = b.name",
                "SELECT name FROM countries UNION ALL SELECT {}",
                "SELECT 1 --1, 2\n, {}",
                "EXPLAIN SELECT {}",
            )
        ).format(call)

    def query(self, depth: int) -> str:
        """A query that only reads; not all of them are right."""
        table, chance = self.chance.choice(self.tables), self.chance
        if depth == 0:
            return chance.choice(
                (
                    f"SELECT * FROM {table} LIMIT {chance.randrange(9)}",
                    f"SELECT COUNT(*) AS n FROM {table} a",
                    "SELECT name, country_code FROM countries WHERE name LIKE 'N%'",
                    f"SELECT a.name FROM countries a, countries b, {table} c ORDER BY 1 DESC",
                    f"SELECT {chance.choice(self.functions)}({', '.join(self._value() for _ in range(chance.randrange(4)))})",
                    f"SELECT {chance.choice(self.functions)}(name) FROM countries",
                    "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 99) SELECT SUM(n) AS n FROM c",
                )
            )
        inner = self.query(depth - 1)
        return chance.choice(
            (
                f"SELECT * FROM ({inner}) q",
                f"WITH w AS ({inner}) SELECT COUNT(*) FROM w",
                f"SELECT name FROM countries WHERE EXISTS ({inner})",
                f"({inner}) UNION ALL ({self.query(depth - 1)})",
                f"{inner} UNION SELECT {self._value()}",
                f"SELECT RANK() OVER (ORDER BY name), ({inner}) FROM countries LIMIT 3",
                f"EXPLAIN {inner}",
                inner,
            )
        )

    def _value(self) -> str:
        return self.chance.choice(PLAIN_VALUES)

    def _disguised(self, sql: str) -> str:
        """The same in other clothes: comments and other space between words, other letters."""
        words = sql.split(" ")
        sql = words[0] + "".join(self.chance.choice(GAPS) + word for word in words[1:])
        comment = sql[:9].replace("*/", "")
        return self.chance.choice((sql, sql.swapcase(), f"/* {comment} */ {sql}", f"\ufeff{sql}"))

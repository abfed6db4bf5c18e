"""Revisions that may break off anywhere on MySQL and MariaDB, and be run again: there DDL is no part of a transaction.

Where an upgrade ends in the middle of a revision, the statements before stay done, and the revision is not counted. So each
statement that Alembic makes is looked at before it is run: what it would make and is there, or would drop and is not there, was
done by the run that broke off. Whatever else Alembic makes (another type, a comment, an option) may be repeated as it is. So one
revision never takes away or renames what it made itself; and rows that it writes come at its end, in one transaction with its
number, or by a statement that may be repeated.

SQLite has DDL in its transactions: a revision that breaks off there has left nothing.
"""

from typing import Any

from alembic.ddl.base import AddColumn, DropColumn, RenameTable
from alembic.ddl.mysql import MySQLChangeColumn, MySQLImpl
from sqlalchemy import inspect
from sqlalchemy.engine import Inspector
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable, DropConstraint, DropIndex, DropTable, Index, Table


class RepeatableMySQL(MySQLImpl):
    """How Alembic runs statements on `mysql`, the dialect of both: the newest class of a dialect is the one that it takes."""

    __dialect__ = "mysql"

    def _exec(self, construct: Any, *arguments: Any, **named: Any) -> Any:
        if self.connection is not None and is_done(inspect(self.connection), construct):
            return None
        return super()._exec(construct, *arguments, **named)


def is_done(found: Inspector, statement: Any) -> bool:
    """Whether what `statement` would make is there, or what it would drop is not."""
    match statement:
        case CreateTable():
            return found.has_table(statement.element.name)
        case DropTable():
            return not found.has_table(statement.element.name)
        case RenameTable():
            return not found.has_table(statement.table_name) and found.has_table(statement.new_table_name)
        case CreateIndex(element=Index(table=Table() as table)):
            return statement.element.name in _indexes(found, table.name)
        case DropIndex(element=Index(table=Table() as table)):
            return statement.element.name not in _indexes(found, table.name)
        case AddColumn():
            return statement.column.name in _columns(found, statement.table_name)
        case DropColumn():
            return statement.column.name not in _columns(found, statement.table_name)
        case MySQLChangeColumn():
            columns = _columns(found, statement.table_name)
            return statement.column_name not in columns and statement.newname in columns
        case AddConstraint():
            return statement.element.name in _constraints(found, statement.element.table.name)
        case DropConstraint():
            return statement.element.name not in _constraints(found, statement.element.table.name)
    return False


def _indexes(found: Inspector, table: str) -> set[Any]:
    return {index["name"] for index in found.get_indexes(table)} if found.has_table(table) else set()


def _columns(found: Inspector, table: str) -> set[Any]:
    return {column["name"] for column in found.get_columns(table)} if found.has_table(table) else set()


def _constraints(found: Inspector, table: str) -> set[Any]:
    if not found.has_table(table):
        return set()
    constraints = [*found.get_foreign_keys(table), *found.get_unique_constraints(table), *found.get_check_constraints(table)]
    return {constraint["name"] for constraint in constraints}

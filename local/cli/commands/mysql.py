"""A MySQL server on this machine: mysql start, stop."""

from typing import Annotated

import typer

from local.console import err, out, plain

app = typer.Typer(help="A MySQL server on this machine.", no_args_is_help=True)


@app.command("start")
def mysql_start(
    mariadb: Annotated[bool, typer.Option("--mariadb", help="MariaDB instead of MySQL.")] = False,
    port: Annotated[int | None, typer.Option(help="Its port; 33306 (MariaDB: 33307) when free.")] = None,
) -> None:
    """Start MySQL: one that is installed, or in Docker, or (as root on Debian) from Debian's packages. Its data stays."""
    from sqlalchemy import create_engine, text

    from local.servers import mysql

    server = mysql.start("mariadb" if mariadb else None, port, on_progress=lambda line: err.print(plain(line)))
    with create_engine(server.url).begin() as connection:
        connection.execute(text("CREATE DATABASE IF NOT EXISTS gans CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"))
    out.print(
        f"{plain(server.how)} ({plain(server.version)}) runs. To use it:\n  export GANS_DATABASE_URL={server.url}gans",
    )


@app.command("stop")
def mysql_stop() -> None:
    """Stop the servers that `gans mysql start` started; their data stays."""
    from local.servers import mysql

    stopped = [server for flavour in mysql.PORTS if (server := mysql.stop(mysql.default_home(flavour)))]
    for server in stopped:
        out.print(f"Stopped {plain(server.how)}.")
    if not stopped:
        out.print("None of ours runs.")

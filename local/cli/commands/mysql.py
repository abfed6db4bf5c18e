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
    from local.servers import mysql

    server = mysql.start("mariadb" if mariadb else None, port, on_progress=lambda line: err.print(plain(line)))
    mysql.set_up(server)
    out.print(
        f"{plain(server.how)} ({plain(server.version)}) runs. To use it, and for those who only read:\n"
        f"  export GANS_DATABASE_URL={server.url}gans\n"
        f"  export GANS_READER_URL={server.url_of(mysql.READER)}gans\n"
        f"  export GANS_ANALYST_URL={server.url_of(mysql.ANALYST)}gans",
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

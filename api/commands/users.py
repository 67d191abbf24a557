"""`lastseen users`: who may sign in, and the keys of programs."""

from __future__ import annotations

import io
import json
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.actors import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.accounts import Accounts

app = typer.Typer(help="Accounts: who may sign in, and as what.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")]
_State = Annotated[
    Path | None,
    typer.Option(
        help="State folder of the server [LASTSEEN_STATE or ~/.local/state/lastseen].",
        show_default=False,
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")
]
_ActsAs = Annotated[
    str | None,
    typer.Option("--acts-as", metavar="ROLE", help="Role in agreements; as --role if none."),
]
_Agency = Annotated[str | None, typer.Option(help="Agency or district they belong to.")]
_Sites = Annotated[
    list[str] | None,
    typer.Option("--site", metavar="ID", help="A site they may ask about; all if none. Repeat it."),
]
_FullName = Annotated[str | None, typer.Option("--full-name", help="As people call them.")]


@app.command()
def add(
    name: _Name,
    *,
    role: Annotated[Role, typer.Option(help="What they are to this server.")],
    acts_as: _ActsAs = None,
    agency: _Agency = None,
    site: _Sites = None,
    full_name: _FullName = None,
    without_second_factor: Annotated[
        bool,
        typer.Option("--without-second-factor", help="Let a password alone be enough."),
    ] = False,
    keys_only: Annotated[
        bool,
        typer.Option("--keys-only", help="No password: a program that shows a key."),
    ] = False,
    password_stdin: _PasswordStdin = False,
    state: _State = None,
) -> None:
    """Make an account; ask for its password, and print what an authenticator app scans: once.

    Examples:

      lastseen users add ivy --role dispatcher --agency "County dispatch" --full-name "Ivy Doe"

      lastseen users add north-office --role school-administrator --acts-as principal --site north

      lastseen users add cad --role system --keys-only
    """
    from api.audit import machine_user

    with _accounts(state) as accounts:
        uri = accounts.add(
            name,
            role=role,
            acts_as=acts_as,
            agency=agency or "",
            sites=site or None,
            full_name=full_name or "",
            password=None if keys_only else _password(from_stdin=password_stdin),
            second_factor=not without_second_factor,
            by=machine_user(),
            now_s=time.time(),
        )
    typer.echo(f"{name} is made.")
    if uri is not None:
        _print_second_factor(uri)
    elif keys_only:
        typer.echo(f"Make its key: lastseen users key {name}{_option(state)}")
    else:
        typer.echo(
            f"WARNING: whoever learns the password of {name} is in; "
            f"'lastseen users second-factor {name}{_option(state)}' adds a second factor.",
            err=True,
        )


def _option(state: Path | None) -> str:
    return "" if state is None else f" --state {state}"


@app.command("list")
def list_users(state: _State = None, as_json: _Json = False) -> None:
    """List all accounts.

    Examples:

      lastseen users list --json
    """
    with _accounts(state) as accounts:
        found = accounts.list()
    if as_json:
        rows: list[dict[str, Any]] = [
            {**asdict(one), "sites": None if one.sites is None else sorted(one.sites)}
            for one in found
        ]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for one in found:
        sites = "all sites" if one.sites is None else ", ".join(sorted(one.sites)) or "no site"
        signs_in = "password and code" if one.has_second_factor else "password only"
        if not one.has_password:
            signs_in = "keys only"
        disabled = "  (disabled)" if one.disabled else ""
        typer.echo(f"{one.name}  {one.role}  as {one.acts_as}  {sites}  {signs_in}{disabled}")
    if not found:
        typer.echo("There are none; 'lastseen users add' makes one.", err=True)


@app.command()
def change(
    name: _Name,
    *,
    role: Annotated[Role | None, typer.Option(help="What they are to this server.")] = None,
    acts_as: _ActsAs = None,
    agency: _Agency = None,
    site: _Sites = None,
    all_sites: Annotated[bool, typer.Option("--all-sites", help="They may ask about all.")] = False,
    full_name: _FullName = None,
    state: _State = None,
) -> None:
    """Change what an account is. Its sessions and keys end.

    Examples:

      lastseen users change ivy --role auditor
    """
    from api.audit import machine_user

    with _accounts(state) as accounts:
        accounts.change(
            name,
            role=role,
            acts_as=acts_as,
            agency=agency,
            sites=site or None,
            all_sites=all_sites,
            full_name=full_name,
            by=machine_user(),
            now_s=time.time(),
        )
    typer.echo(f"{name} is changed; its sessions and keys have ended.")


@app.command()
def password(name: _Name, password_stdin: _PasswordStdin = False, state: _State = None) -> None:
    """Give an account another password. Its sessions and keys end.

    Examples:

      lastseen users password ivy
    """
    from api.audit import machine_user

    with _accounts(state) as accounts:
        _must_be_there(accounts, name)
        accounts.set_password(
            name, _password(from_stdin=password_stdin), by=machine_user(), now_s=time.time()
        )
    typer.echo(f"{name} has another password; its sessions and keys have ended.")


@app.command("second-factor")
def renew_second_factor(name: _Name, state: _State = None) -> None:
    """Make a new second factor, and print what an authenticator app scans: once.

    Examples:

      lastseen users second-factor ivy
    """
    from api.audit import machine_user

    with _accounts(state) as accounts:
        uri = accounts.renew_second_factor(name, by=machine_user(), now_s=time.time())
    typer.echo(f"{name} has a new second factor; its sessions and keys have ended.")
    _print_second_factor(uri)


@app.command()
def disable(name: _Name, state: _State = None) -> None:
    """Let nobody in by an account any more. Its sessions and keys end.

    Examples:

      lastseen users disable ivy
    """
    from api.audit import machine_user

    with _accounts(state) as accounts:
        accounts.disable(name, by=machine_user(), now_s=time.time())
    typer.echo(f"{name} is disabled; its sessions and keys have ended.")


@app.command()
def enable(name: _Name, state: _State = None) -> None:
    """Let people in by an account again, with the password and the second factor it had.

    Examples:

      lastseen users enable ivy
    """
    from api.audit import machine_user

    with _accounts(state) as accounts:
        accounts.enable(name, by=machine_user(), now_s=time.time())
    typer.echo(f"{name} is enabled.")


@app.command("sign-out")
def sign_out(name: _Name, state: _State = None) -> None:
    """End all sessions and keys of an account, e.g. because a phone was lost.

    Examples:

      lastseen users sign-out ivy
    """
    from api.audit import machine_user

    with _accounts(state) as accounts:
        accounts.sign_out(name, by=machine_user(), now_s=time.time())
    typer.echo(f"The sessions and keys of {name} have ended.")


@app.command()
def key(
    name: _Name,
    *,
    label: Annotated[
        str, typer.Option(help="What it is for, to know it by later.")
    ] = "made on the command line",
    days: Annotated[int, typer.Option(help="How long it holds.", min=1, max=366)] = 90,
    state: _State = None,
    as_json: _Json = False,
) -> None:
    """Make a key for a program that nobody signs in at, and print it: once.

    Examples:

      lastseen users key cad --days 90 --label "dispatch console server"

      lastseen users key ivy --days 1 > ivy.key
    """
    from api.audit import machine_user
    from api.record import opened_record
    from api.sessions import Sessions, make_key

    with opened_record(state) as record:
        made = make_key(
            Sessions(record.store),
            record.audit,
            name,
            label=label,
            days=days,
            by=machine_user(),
            now_s=time.time(),
        )
    until = datetime.fromtimestamp(made.until_s, UTC)
    if as_json:
        typer.echo(json.dumps({"key": made.secret, "until": until.isoformat()}))
        return
    typer.echo(f"Key of {name}, until {until:%Y-%m-%d} (shown only now):", err=True)
    typer.echo(made.secret)
    typer.echo("Send it as 'Authorization: Bearer KEY'.", err=True)


@app.command()
def keys(name: _Name, state: _State = None, as_json: _Json = False) -> None:
    """List the live keys of an account, without what is presented.

    Examples:

      lastseen users keys cad
    """
    from api.account_keys import keys_of
    from api.record import opened_record

    with opened_record(state) as record:
        found = keys_of(record.store, name, time.time())
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    for one in found:
        made, used, until = (
            f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M}"
            for at_s in (one.begun_s, one.used_s, one.until_s)
        )
        typer.echo(f"{one.id}  {one.label}  made {made}, used {used}, until {until} UTC")
    if not found:
        typer.echo(f"{name} has none.", err=True)


@app.command("end-key")
def end_key(
    name: _Name,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id, from 'lastseen users keys'.")],
    state: _State = None,
) -> None:
    """End one key of an account; its other keys and its sessions go on.

    Examples:

      lastseen users end-key cad 3f9a61c25d0e
    """
    from api.account_keys import end_key as end
    from api.audit import machine_user
    from api.record import opened_record

    with opened_record(state) as record:
        end(record.audit, name, key, by=machine_user(), now_s=time.time())
    typer.echo(f"The key {key} of {name} has ended.")


@contextmanager
def _accounts(state: Path | None) -> Iterator[Accounts]:
    """The accounts of a state folder."""
    from api.accounts import Accounts
    from api.record import opened_record

    with opened_record(state) as record:
        yield Accounts(record.store, record.keys, record.audit)


def _must_be_there(accounts: Accounts, name: str) -> None:
    """Say so before a password is typed in vain."""
    from api.errors import AccountError

    if accounts.get(name) is None:
        raise AccountError(f"account {name[:64]!r}: there is none; see 'lastseen users list'")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def _print_second_factor(uri: str) -> None:
    import segno

    drawn = io.StringIO()
    segno.make(uri, micro=False).terminal(drawn, compact=True, border=2)
    typer.echo("Scan this with an authenticator app (shown only now):")
    typer.echo(drawn.getvalue())
    typer.echo(uri)

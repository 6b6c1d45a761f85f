"""`migrate`, `create-user` and the step that `serve` takes before anything else."""

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from auth.passwords import generate_password
from auth.principals import Role
from webapp.database import migrate
from webapp.errors import AppError, DatabaseBusy
from webapp.installation import prepare_folder, worker_name
from webapp.resources import open_resources
from webapp.services.health import forget_worker
from webapp.services.users import NewUser, create_user, ensure_administrator


class DatabaseUnreachable(AppError):
    """The database does not take the migration."""

    code = "DatabaseUnreachable"
    template = "The database cannot be used: {detail}"


def add_admin(subparsers: Any) -> None:
    """Add the verbs and their options."""
    parser = subparsers.add_parser("migrate", help="bring the database to the newest version")
    _add_data(parser)
    parser.set_defaults(run=run_migrate)
    parser = subparsers.add_parser("create-user", help="add a person")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--role", choices=[role.value for role in Role], default=Role.USER.value)
    parser.add_argument("--email", metavar="ADDRESS")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    _add_data(parser)
    parser.set_defaults(run=run_create_user)
    parser = subparsers.add_parser("prepare")
    parser.set_defaults(run=run_prepare)


def run_migrate(args: argparse.Namespace) -> int:
    """Migrate."""
    prepare_folder(args.settings.data_dir)
    migrate_database(args.settings.database_address)
    print("The database is at the newest version.")
    return 0


def run_create_user(args: argparse.Namespace) -> int:
    """Make an account; print the password if it was made up here."""
    password, is_generated = _ask_password(args.password_stdin)
    prepare_folder(args.settings.data_dir)
    migrate_database(args.settings.database_address)
    resources = open_resources(args.settings)
    try:
        user = create_user(resources, NewUser(args.name, password, email=args.email, role=Role(args.role)))
    finally:
        resources.close()
    print(f"Made the account '{user.username}' with the role {user.role}.")
    if is_generated:
        print(f"Its password is  {password}")
    return 0


def run_prepare(args: argparse.Namespace) -> int:
    """Migrate, and make the first administrator; print the generated password and nothing else.

    Raises `BrokerUnavailable` where an outside broker is set and does not answer.
    """
    migrate_database(args.settings.database_address)
    resources = open_resources(args.settings)
    try:
        if args.settings.redis_url:
            resources.queue.waiting()
        forget_worker(resources, worker_name())
        password = ensure_administrator(resources)
    finally:
        resources.close()
    if password is not None:
        print(password)
    return 0


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder that holds all state (data beside ./run)")


def migrate_database(address: str) -> None:
    """Bring the database to the newest version. Raises `DatabaseUnreachable`, `DatabaseBusy`."""
    try:
        migrate(address)
    except DatabaseBusy:
        raise
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise DatabaseUnreachable(detail=reason) from error


def _ask_password(from_stdin: bool) -> tuple[str, bool]:
    """Return the password, and whether it was made up because none was given."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n"), False
    if not sys.stdin.isatty():
        return generate_password(), True
    password = getpass.getpass("Password (empty: one is made up): ")
    if not password:
        return generate_password(), True
    if getpass.getpass("Again: ") != password:
        raise SystemExit("run: The two passwords differ; no account was made.")
    return password, False

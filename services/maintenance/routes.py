"""What maintenance says of its jobs, to those who look after the site."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from services.maintenance.backups import Backup, all_in, folder_of
from services.maintenance.job import Context, JobFailed
from services.maintenance.restore import NotGood, restore
from services.maintenance.runner import Runner
from services.platform.app import ControlToken
from services.platform.problems import Problem
from services.platform.site import held
from services.platform.store.connection import Lost

logger = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False, dependencies=[ControlToken])


@router.get("/-/jobs")
async def jobs(runner: Runner = held("runner")) -> dict[str, Any]:
    """Who leads, and from that one: each job, and what grows while it is not done. Times are seconds."""
    return {
        "leads": bool(runner.histories),
        "lead": runner.lead.holder or None,
        "jobs": {name: _told(runner, name) for name in runner.histories},
        "grown": runner.grown,
    }


@router.post("/-/jobs/{name}/run", status_code=202)
async def run_now(name: str, runner: Runner = held("runner")) -> dict[str, Any]:
    """Have a job done at once, as if it were due. Answers with how it stands at this moment."""
    if not runner.histories:
        raise Problem(
            409, "not-leading", "Another part does the jobs", f"{runner.lead.holder or 'None'} leads."
        )
    _refuse_unknown(name, runner)
    runner.want_now(name)
    return _told(runner, name)


@router.post("/-/jobs/{name}/resume")
async def resume(name: str, runner: Runner = held("runner")) -> dict[str, Any]:
    """Cut the run of a job that is under way, and let it be done again; also where another part leads."""
    _refuse_unknown(name, runner)
    runner.resume(name)
    return {"resumed": name}


@router.get("/-/backups")
async def backups(context: Context = held("context")) -> list[dict[str, Any]]:
    """The backups that were tried out, the newest first: `made` is a Unix time, `bytes` the size."""
    return [{"name": one.name, "made": one.made, "bytes": one.size} for one in reversed(_backups(context))]


@router.post("/-/backups/{name}/restore")
async def restore_backup(name: str, context: Context = held("context")) -> dict[str, Any]:
    """Give the store what this backup has, and take all that it has now. Answers when that is done."""
    backup = next((one for one in _backups(context) if one.name == name), None)
    if backup is None:
        raise Problem(404, "unknown-backup", "No such backup")
    try:
        restored = await restore(context, backup)
    except NotGood as error:
        raise Problem(409, "backup-not-good", "The backup is not good", str(error)) from error
    except (JobFailed, Lost) as error:
        raise Problem(503, "backup-not-restored", "The backup was not restored", str(error)) from error
    logger.warning("restored %s: %d keys, where there were %d", name, restored.keys, restored.removed)
    return asdict(restored)


def _backups(context: Context) -> list[Backup]:
    try:
        return all_in(folder_of(context))
    except JobFailed as error:
        raise Problem(503, "no-backups", "Backups cannot be reached", str(error)) from error


def _refuse_unknown(name: str, runner: Runner) -> None:
    if name not in runner.jobs:
        raise Problem(404, "unknown-job", "No such job", f"There are {', '.join(runner.jobs)}.")


def _told(runner: Runner, name: str) -> dict[str, Any]:
    history = runner.histories[name]
    return {
        "every_days": runner.jobs[name].every_days,
        "interval": runner.interval(name),
        "last_success": history.succeeded,
        "age": runner.age(name),
        "late": runner.is_late(name),
        "due_in": runner.due_in(name),
        "running": runner.running_for(name),
        "duration": history.duration,
        "runs": history.runs,
        "failures": history.failures,
        "error": history.error,
        "grows": list(runner.jobs[name].grows),
    }

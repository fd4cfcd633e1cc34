"""The shipped experiment, played by the Chaos Toolkit itself."""

import json
import subprocess
from pathlib import Path

import pytest
from site_under_test import FAILWHALE, ROOT, Site

CHAOS_TOOLKIT = FAILWHALE.with_name("chaos")


# On Docker it runs in the controller's container, where the toolkit is not installed.
@pytest.mark.parametrize("runtime", ["processes"], indirect=True, scope="session")
def test_the_shipped_experiment_completes(site: Site, tmp_path: Path) -> None:
    site.wait_green()
    journal = tmp_path / "journal.json"
    words = (
        "--no-version-check",
        "run",
        "--rollback-strategy",
        "always",
        "--journal-path",
        journal,
        ROOT / "docs" / "chaostoolkit.json",
    )
    done = subprocess.run(
        [CHAOS_TOOLKIT, *words],
        env=site.environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    played = json.loads(journal.read_text())
    assert played["status"] == "completed"
    assert [step["status"] for step in (*played["run"], *played["rollbacks"])] == ["succeeded", "succeeded"]
    assert played["steady_states"]["after"]["steady_state_met"] is True
    (killed,) = played["run"]
    assert (killed["output"]["phase"], killed["output"]["verified"]) == ("verified", True)
    assert site.active() == []

"""The files of `deploy/` agree with one another and with the app.

The nginx among them is tried in a browser (`tests/browser/test_two_processes.py`).
"""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from kvviz.ui.rooms.room_code import LETTERS
from kvviz.ui.shell.environment import Environment

DEPLOY = Path(__file__).parents[2] / "deploy"
README = DEPLOY.parent / "README.md"


def variables(name: str) -> dict[str, str]:
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


COMMON = variables("common.env")
PROCESSES = {name: COMMON | variables(f"{name}.env") for name in ("a", "b")}
CONF = (DEPLOY / "kvviz.conf").read_text(encoding="utf-8")
UNIT = (DEPLOY / "kvviz@.service").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_every_setting_is_one_that_the_app_has_and_takes():
    table = README.read_text(encoding="utf-8").partition("## Settings")[2]
    for settings in PROCESSES.values():
        assert {name for name in settings if f"`{name}`" not in table} == {"PORT"}
        environment = Environment.read(settings)
        assert environment.mode.name == "classroom"
        # Whatever a visitor sends under this name, nginx overwrites it.
        assert f"proxy_set_header {settings['KVVIZ_TRUSTED_HEADER']} $remote_addr;" in CONF
        # One is made at the start, in each process another one, unless it is chosen.
        assert settings["KVVIZ_TEACHER_KEY"] == ""


def test_all_letters_are_somebodys_and_nginx_knows_whose():
    letters = ""
    for settings in PROCESSES.values():
        name, port = settings["KVVIZ_PROCESS"], settings["PORT"]
        letters += Environment.read(settings).process.letters
        block = re.search(rf"upstream kvviz-{name} {{(.*?)}}", CONF, re.DOTALL)
        assert block
        # It is the first of those who answer, and the other one stands in for it.
        (first, other) = re.findall(r"server (\S+) (.*);", block[1])
        assert first[0] == f"127.0.0.1:{port}"
        assert other[1] == "backup"
        for line in (f'"~*^[{name}]" kvviz-{name};', f'"~/at/{name}/" kvviz-{name};',
                     f'"~:{port}$" {name};', f"server 127.0.0.1:{port} fail_timeout=5s;",
                     f"{name}     kvviz-{name};"):  # fmt: skip
            assert line in CONF
    assert letters == LETTERS


def test_the_unit_starts_the_app_by_its_instance_and_gives_it_nothing_else():
    said = [line.partition("=") for line in UNIT.splitlines() if re.match(r"\w+=", line)]
    options = {name: text for name, _, text in said}
    files = [text for name, _, text in said if name == "EnvironmentFile"]
    assert files == ["/etc/kvviz/common.env", "/etc/kvviz/%i.env"]
    command = shlex.split(options["ExecStart"])
    assert command[1:5] == ["-m", "streamlit", "run", "app.py"]
    assert command[-4:] == ["--server.address", "127.0.0.1", "--server.port", "${PORT}"]
    for name in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "DynamicUser"):
        assert options[name] == "yes"
    assert options["ProtectSystem"] == "strict"
    assert options["MemoryMax"] == "3G"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_but_that_the_app_is_not_installed():
    command = ["systemd-analyze", "verify", str(DEPLOY / "kvviz@.service")]
    said = subprocess.run(command, capture_output=True, text=True).stderr.splitlines()
    assert [line for line in said if "/opt/kvviz" not in line] == []


@pytest.mark.parametrize("name", PROCESSES)
def test_compose_starts_the_same_processes_and_puts_their_names_into_the_same_file(name):
    service = COMPOSE["services"][name]
    assert service["env_file"] == ["common.env", f"{name}.env"]
    assert all((DEPLOY / one).is_file() for one in service["env_file"])
    assert "ports" not in service, "only nginx is to reach it"
    nginx = COMPOSE["services"]["nginx"]
    here, there = re.findall(rf"s/([\w.:]+)/({name}:\d+)/", nginx["command"][-1])[0]
    assert here == f"127.0.0.1:{PROCESSES[name]['PORT']}"
    assert there.endswith(f":{PROCESSES[name]['PORT']}")
    # As the file itself says that it is done.
    assert f"s/{here}/{there}/" in CONF
    build = service["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()

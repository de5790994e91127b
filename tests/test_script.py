"""What every script shares, and that each script says what it is."""

import gc
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE

from monoglot import script as command
from monoglot.errors import UserError
from monoglot.script import SAY_READY, paused

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))


def test_a_users_error_is_one_line_and_status_1(capsys):
    def main():
        raise UserError("a.txt, line 3: has no label; give it one")

    with pytest.raises(SystemExit) as stopped:
        command.run(main)
    assert stopped.value.code == "error: a.txt, line 3: has no label; give it one"


def test_other_errors_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        command.run(lambda: 1 / 0)


def test_what_breaks_a_librarys_rust_code_is_one_line():
    def main():
        broken = {"type": "Precompiled", "precompiled_charsmap": "AA=="}
        Tokenizer.from_str(
            json.dumps(json.loads(Tokenizer(BPE()).to_str()) | {"normalizer": broken})
        )

    with pytest.raises(SystemExit) as stopped:
        command.run(main)
    assert stopped.value.code.startswith("error: a tokenizer or a text broke the library that")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_request_to_end_is_one_line_and_leaves_nothing_half_written(tmp_path, number):
    code = (
        "import sys, time\n"
        "from monoglot import script\n"
        "from monoglot.files import whole_folder\n"
        "def main():\n"
        "    with whole_folder(sys.argv[1]):\n"
        "        print(flush=True)\n"
        "        time.sleep(60)\n"
        "script.run(main)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "out")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.send_signal(number)
    said = process.communicate()[1]
    assert process.returncode == 1
    assert said == f"error: ended by {number.name} before it was done; start it again\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_help_says_what_a_script_does_without_loading_torch(script):
    code = (
        "import runpy, sys; sys.argv = [sys.argv[1], '--help']\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit: sys.exit(3 * ('torch' in sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(script)], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert script.read_text(encoding="utf-8").splitlines()[0].strip('".') in " ".join(
        run.stdout.split()
    )
    assert "(default: None)" not in run.stdout


def test_scripts_find_the_package_from_any_folder(tmp_path):
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    script = ROOT / "scripts" / "train.py"
    command = [sys.executable, str(script), "--help"]
    run = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_every_rule_has_a_script_of_its_name():
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    for script in SCRIPTS:
        if script.stem not in ("download", "on_gpu"):
            assert re.search(
                rf"^ *(use )?rule (\w+ as )?{script.stem}( with)?:$", rules, re.MULTILINE
            )
            assert re.search(rf'experiment\.(gpu_)?script\("{script.stem}"\)', rules)


def test_rules_find_scripts_by_the_workflows_own_place():
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    assert "scripts/" not in re.sub(r"#.*", "", rules)


def test_loading_leaves_garbage_collection_on():
    with command.loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


LEAN = """
import sys
from monoglot import script

unused = ("torch._dynamo.config", "torch._inductor", "torch.distributed.tensor._api")
unused += ("sympy", "scipy", "pandas", "sklearn")
with script.loading(models=True):
    from monoglot.evaluate import evaluation

import torch
from transformers import BertConfig, BertForMaskedLM

model = BertForMaskedLM(BertConfig(16, 8, 1, 2, 16))
optimizer = torch.optim.AdamW(model.parameters(), fused=True)
logits = model(torch.ones(1, 4, dtype=torch.long)).logits
logits.sum().backward()
optimizer.step()
model.save_pretrained(sys.argv[1])
print([name for name in unused if name in sys.modules])

import scipy.stats
import sklearn.metrics
import torch._dynamo.exc
from torch.nn.attention.flex_attention import create_block_mask, noop_mask

added = torch._dynamo.optimize("eager")(lambda x: x + 1)
print(added(torch.ones(2)).tolist(), torch.compile(added) is added)
print(torch.distributed.is_available(), torch._dynamo.config.verbose)
print(create_block_mask(noop_mask, None, None, 128, 128, device="cpu").shape)
"""


def test_models_are_loaded_without_what_no_job_uses_and_it_is_there_when_asked_for(tmp_path):
    command = [sys.executable, "-c", LEAN, str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.splitlines() == [
        "[]",
        "[2.0, 2.0] True",
        f"{torch.distributed.is_available()} False",
        "(1, 1, 128, 128)",
    ], run.stderr


def test_a_job_of_snakemake_logs_when_it_is_ready(monkeypatch, caplog):
    caplog.set_level("INFO")
    with command.loading():
        pass
    assert caplog.messages == []
    monkeypatch.setenv(SAY_READY, "1")
    with command.loading():
        pass
    gc.unfreeze()
    assert re.fullmatch(r"ready after \d+\.\d\d s", caplog.messages[0])


def test_garbage_collection_stands_still_and_goes_on():
    with paused():
        with paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()

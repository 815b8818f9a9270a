import psutil

from groundtrace.config import CLEAN
from groundtrace.running import internals, layout
from groundtrace.running.after_error import after_error, after_success
from groundtrace.running.identity import Identities
from groundtrace.running.inputs import Inputs
from groundtrace.running.plan import Plan
from groundtrace.running.requests import Requests, megabytes, minutes
from groundtrace.running.starting import begin
from groundtrace.running.targets import Targets

plan = Plan.read(
    config,
    scripts=str(workflow.current_basedir.join("../scripts")),
    hashes=workflow.is_main_process,
    batched=internals.is_batched(workflow),
)
cfg, inputs, targets, requests, identity = (plan.config, Inputs(plan), Targets(plan), Requests(plan), Identities(plan))
RESULTS, BENCHMARK, SCORES, TRUTH = plan.results, plan.benchmark, plan.scores, plan.at("{session}/truth")
GIVEN_MOTION, GIVEN = plan.at(layout.GIVEN_MOTION), plan.at(layout.GIVEN_ROIS)
PLANE, MOTION, DENOISE, EXTRACT = map(plan.at, (layout.PLANE, layout.MOTION, layout.DENOISE, layout.EXTRACT))
PLANE_LOG, MOTION_LOG, DENOISE_LOG, EXTRACT_LOG = (layout.PLANE, *map(layout.log_of, ("motion", "denoise", "extract")))

internals.limit_memory(workflow, int(psutil.virtual_memory().total * 0.9e-6))
internals.one_start_per_job()


wildcard_constraints:
    **layout.WILDCARDS,

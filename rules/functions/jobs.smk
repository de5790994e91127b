"""What jobs ask a cluster for; on one machine none of it limits anything."""


def on_cluster(rule):
    """Resources of a rule's jobs: memory and time, which grow with the attempt, and their place."""

    def memory(wildcards, attempt):
        return memory_mb(CONFIG, rule, attempt)

    def time(wildcards, attempt):
        return minutes(CONFIG, rule, attempt)

    return {"mem_mb": memory, "runtime": time} | place(CONFIG, rule)


def start_alone():
    """Before the first job: no job of an earlier run, whose Snakemake was killed, may go on.

    Where another Snakemake holds its locks the queue may have jobs of a run that is alive. Its
    files are not those of this run, or Snakemake would have refused to start.
    """
    notes = Path(RESULTS, "unfinished", "slurm_runs.txt")
    if len(list(Path(".snakemake", "locks").glob("*.output.lock"))) <= 1:
        try:
            stopped = stop_earlier_runs(notes)
        except UserError as error:
            raise WorkflowError(str(error)) from None
        for job in stopped:
            print(f"cancelled a SLURM job of an earlier run: {job}", file=sys.stderr)
    submitted = [job for job in workflow.dag.needrun_jobs() if not job.is_local]
    # The name that the plugin gives to all jobs of a run; other executors have none.
    if submitted and (
        name := getattr(workflow.scheduler.get_executor(submitted[0]), "run_uuid", None)
    ):
        note_run(notes, name)

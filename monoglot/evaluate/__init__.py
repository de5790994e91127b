"""What a checkpoint can do: adapters on downstream tasks, metrics, records."""

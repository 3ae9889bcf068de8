"""The caller's own OpenAPI document, made with drf-spectacular from the caller's contract and nothing else."""

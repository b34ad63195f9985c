"""Corpora as written: directories of parquet shards, read back into what their texts state, whoever wrote them."""

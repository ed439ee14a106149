"""What takes long to load, for a process that forks: loaded once, and no thread is started by it.

What calculates with Polars as it is loaded (``pipeline.restricted``) is not here: that starts
threads, and a child that is forked would wait for them.
"""
# ruff: noqa: F401 -- loaded so that children find them

from __future__ import annotations

import cryptography.hazmat.backends.openssl.backend
import cryptography.hazmat.primitives.hpke
import fsspec.implementations.local
import httpcore2
import maxminddb
import numpy as np
import polars as pl
import psycopg
import pyarrow.parquet
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite
import trio
import ua_parser_rs
import yaml
import zstandard

import pipeline.cases.acts
import pipeline.cases.orders
import pipeline.database
import pipeline.evidence.write
import pipeline.keys.release_client
import pipeline.keys.service
import pipeline.policy
import pipeline.settings

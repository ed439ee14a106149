"""The anonymous store: migrations, the loader, and the queries people ask.

One client serves a ClickHouse server over HTTP and the engine in process (chDB). Only released
rows come in here, so nothing in this room can name a visitor.
"""

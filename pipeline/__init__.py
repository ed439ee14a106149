"""Partywall: two houses under one roof, and a wall between them.

The rooms stand in the order in which the data walks through them:

=================  ==========================================================
``cli``            the verbs a person types
``apps``           a file a stage, and what starts, watches and stops processes
``shipping``       files, pipes and archives into ``logs.*``
``collect``        events and pushed lines over HTTP into ``logs.*``
``restricted``     the room behind the wall: parses, scrubs, pseudonymises, seals
``rollups``        windows of events, cut into cells
``release``        door 2: what may be said of a window, and what is withheld
``clickhouse``     migrations, the loader, queries
``analytics``      questions in a closed vocabulary, and their answers
``attack``         plays an analyst who wants to know more than was released
``vault``          the sealed store: segments and their manifest
``keys``           the key service and its clients
``cases``          permission: people, scopes asked for, who agreed, until when
``investigations`` the desk: records of open cases, holds, erasure, exports
``evidence``       what an investigation hands out: one signed file, and its verifier
``web``            the investigators' pages
``views``          cards of a site: what is asked for each, and how it is drawn
``console``        the analysts' pages
``serving``        what both kinds of pages are served with
``configuration``  what is configured, and that the audit log knows of each change
``audit``          who did what: an append-only, signed Merkle log
``report``         the face of what was released: terminal, JSON, one page
``digest``         a week of a site by mail and webhook, and what is unusual
``kafka``          topics, logs of runs, workers
``demo``           simulated people, and the search for them
``simulate``       logs of sites that do not exist, and the truth about them
``bench``          the stopwatch, and the slow reference it must agree with
=================  ==========================================================

Loose files are what every room shares: ``events`` (the only shape that crosses door 1),
``rows`` (the only ones that cross door 2), ``sealed`` (what both sides of the vault know of its
messages) and ``envelope`` (their header), ``codes`` (texts as numbers), ``scope`` (what a case may
reach), ``policy`` and ``purposes``, ``settings``, ``database`` (SQLite or PostgreSQL), ``errors``,
``clock``, ``labels``, ``logs``, ``metrics``, ``rates``, ``clients``, ``declarations``, ``nulls``,
``buckets``.
"""

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
``vault``          the sealed store: segments and their manifest
``keys``           the key service and its clients
``report``         the face of what was released: terminal, JSON, one page
``investigations`` the sealed store's reading side: a library, no verb yet
``audit``          who did what: an append-only, signed Merkle log
``kafka``          topics, logs of runs, workers
``demo``           simulated people, and the search for them
``simulate``       logs of sites that do not exist, and the truth about them
``bench``          the stopwatch, and the slow reference it must agree with
=================  ==========================================================

Loose files are what every room shares: ``events`` (the only shape that crosses door 1),
``rows`` (the only ones that cross door 2), ``sealed`` (what both sides of the vault know of its
messages) and ``envelope`` (their header), ``codes`` (texts as numbers), ``scope`` (what a case may
reach), ``policy`` and ``purposes``, ``settings``, ``errors``, ``clock``, ``labels``, ``logs``,
``metrics``, ``declarations``, ``nulls``.
"""

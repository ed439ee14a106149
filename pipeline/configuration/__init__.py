"""What is configured, and that a change of it is in the audit log before anything is done under it.

``parts``  what counts as configuration, and how much of it the log may say
``told``   what was last written into the log, and how it is compared with what is read now
"""

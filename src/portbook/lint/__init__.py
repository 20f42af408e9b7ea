"""The ports that a project's files declare: reading the files, joining what they say, judging it.

Files are found (`walk`), read one by one (`readers/`, one to a format), joined where several say
one thing (`stacks` for compose, `cluster` for Kubernetes), and judged (`rules/`, one to a rule).
What a number means in the registry and on this machine is asked through `Known`, which the survey
fills.
"""
